#include "harness/restore/prefix_recovery.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/wal.hpp"
#include "harness/restore/foreign_cluster.hpp"
#include "harness/restore/server_log.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace pg = backup_engine::postgres;
using base::Error;
using base::ErrorKind;

namespace {

// Both files may be there, and standby.signal wins; renamed it keeps its owner.
void make_standby(const fs::path& data_directory) {
  fs::rename(data_directory / "recovery.signal", data_directory / "standby.signal");
}

// Without a restore_command PostgreSQL "regularly polls the pg_wal subdirectory to check for files placed there", and
// never takes the end of what it finds for the end of recovery.
void poll_own_wal(server::ServerOptions& options) {
  options.settings["restore_command"] = "";
  options.settings["primary_conninfo"] = "";
  options.settings["hot_standby"] = "on";
  options.settings["wal_retrieve_retry_interval"] = "2ms";
  options.settings["default_transaction_isolation"] = "read committed";  // a standby refuses serializable
}

void write_at(const fs::path& path, std::string_view bytes, std::uint64_t offset) {
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) throw base::system_error(errno, "open", path.string());
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw base::system_error(errno, "write", path.string());
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

}  // namespace

FetchSegment fetch_from_repository(const RestoreOrder& order) {
  return [order](const std::string& name, const fs::path& to) {
    const backup_engine::WalFetchRequest request{{order.repository.string(), order.key_file}, order.cluster, name, to};
    return backup_engine::fetch_wal(request) == backup_engine::WalFetchOutcome::fetched;
  };
}

PrefixRecovery::PrefixRecovery(PrefixOrder order) : order_(std::move(order)), served_(order_.from) {
  make_standby(order_.options.data_directory);
  poll_own_wal(order_.options);
  fs::create_directories(order_.scratch);
  serve_histories();
}

PrefixRecovery::~PrefixRecovery() {
  std::error_code ignored;
  fs::remove_all(order_.scratch, ignored);
}

// PostgreSQL looks for the newest timeline when it starts, and goes to it from fork to fork.
void PrefixRecovery::serve_histories() {
  auto timelines = order_.history;
  timelines.push_back({order_.timeline, {}, {}});
  for (const auto& each : timelines) {
    const auto name = pg::history_file_name(each.parent);
    const auto passing = order_.scratch / name;
    if (each.parent.number() <= 1) continue;
    if (!order_.fetch(name, passing)) {
      throw Error(ErrorKind::not_found, fmt::format("the repository does not hold {}", name));
    }
    give_to(order_.options.run_as, passing);
    fs::rename(passing, order_.options.data_directory / "pg_wal" / name);
  }
}

// A timeline's first segment begins with what the one before it had there, and PostgreSQL prefers it.
pg::TimelineId PrefixRecovery::timeline_of(std::uint64_t segment_number) const {
  auto timeline = order_.timeline;
  for (auto left = order_.history.rbegin(); left != order_.history.rend(); ++left) {
    if (segment_number >= pg::segment_holding(timeline, left->switch_lsn, order_.segment_size).number) break;
    timeline = left->parent;
  }
  return timeline;
}

// PostgreSQL may be reading the segment meanwhile: what grows is written in place, as a WAL receiver does, and a new
// segment appears whole under its name.
void PrefixRecovery::serve_segment(const pg::WalSegment& segment, pg::Lsn until) {
  const auto name = pg::file_name(segment, order_.segment_size);
  const auto size = order_.segment_size.bytes();
  const auto begin = pg::start_of(segment, order_.segment_size);
  if (held_number_ != segment.number) {
    const auto passing = order_.scratch / name;
    if (!order_.fetch(name, passing)) {
      throw Error(ErrorKind::not_found,
                  fmt::format("the repository does not hold {}, in which {} lies", name, to_string(until)));
    }
    held_ = base::read_file(passing);
    fs::remove(passing);
    if (held_.size() != size) throw Error(ErrorKind::corrupt, fmt::format("{} is no whole segment", name));
    held_number_ = segment.number;
  }
  const auto place = order_.options.data_directory / "pg_wal" / name;
  const auto length = std::min(size, until - begin);
  // A file of that name before it is served is an old one that PostgreSQL renamed for later use.
  const bool grows = served_ > begin && fs::exists(place);
  if (!grows) {
    const auto made = order_.scratch / (name + ".new");
    std::string bytes(size, '\0');
    held_.copy(bytes.data(), length);
    base::write_file_atomically(made, bytes, 0600);
    give_to(order_.options.run_as, made);
    fs::rename(made, place);
    return;
  }
  const auto from = served_ - begin;
  write_at(place, std::string_view(held_).substr(from, length - from), from);
}

void PrefixRecovery::serve(pg::Lsn until) {
  if (until <= served_ && server_) return;
  const auto last = pg::segment_ending_at(order_.timeline, until, order_.segment_size);
  auto segment = pg::segment_holding(order_.timeline, served_, order_.segment_size);
  for (; segment.number <= last.number; ++segment.number) {
    segment.timeline = timeline_of(segment.number);
    serve_segment(segment, until);
  }
  served_ = until;
}

void PrefixRecovery::start(const base::Deadline& deadline, const std::stop_token& stop) {
  server_ = server::Server::start(order_.options);
  server_->wait_until_ready(deadline, stop);
  session_ = server_->connect();
}

bool PrefixRecovery::advance(pg::Lsn until, const Arrived& arrived, std::chrono::milliseconds patience,
                             const base::Deadline& deadline, const std::stop_token& stop) {
  serve(until);
  bool there = false;
  try {
    if (!server_) start(deadline, stop);
    pg::Lsn last;
    auto still = base::Deadline::after(patience);
    base::poll_until(
        deadline, fmt::format("recovery to come to {}", to_string(until)),
        [&]() -> std::optional<std::string> {
          const auto text = session_->query("SELECT pg_last_wal_replay_lsn()")[0][0].value_or("");
          const auto replayed = pg::parse_lsn(text).value_or(pg::Lsn());
          there = arrived(replayed);
          if (there || (replayed == last && still.expired())) return std::nullopt;
          if (replayed != last) still = base::Deadline::after(patience);
          last = replayed;
          return text;
        },
        stop);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted || (server_ && server_->running())) throw;
    const auto log = read_recovery_log(base::read_file(order_.options.log_file));
    throw Error(ErrorKind::process, "recovery failed: " + describe_failure(log));
  }
  return there;
}

}  // namespace harness::restore

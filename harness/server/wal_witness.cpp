#include "harness/server/wal_witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace harness::server {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::parse_segment_name;
using backup_engine::postgres::SegmentSize;

namespace {

constexpr int log_tail_lines = 20;
constexpr std::string_view partial_suffix = ".partial";

process::Command receiver_command(const Server& source, const WalWitnessOptions& options) {
  process::Command command;
  command.program = require_program(source.options().installation, "pg_receivewal");
  command.arguments = {"--directory=" + options.directory.string(), "--slot=" + options.slot,
                       "--dbname=" + source.conninfo(), "--status-interval=1",
                       // A server that was killed does not come back: end, rather than try for ever.
                       "--no-loop"};
  command.output_file = options.log_file;
  return command;
}

void make_slot(const process::Command& receiver, const Deadline& deadline, const std::stop_token& stop) {
  auto command = receiver;
  command.arguments.insert(command.arguments.end(), {"--create-slot", "--if-not-exists"});
  const auto done = process::run(command, deadline, stop);
  if (done.status.success()) return;
  throw Error(ErrorKind::process,
              fmt::format("pg_receivewal could not make its slot: {}", process::to_text(done.status)))
      .of_command(process::to_text(command))
      .with_log_tail(done.output);
}

// Whether a segment file's first page is that of its own position: XLogPageHeaderData (src/include/access/
// xlog_internal.h) has the page's address in bytes 8 to 15.
bool holds_its_own_wal(const fs::path& file, std::string_view name) {
  const auto size = fs::file_size(file);
  constexpr std::uint64_t smallest = 1024 * 1024;
  if (size < smallest || (size & (size - 1)) != 0) return false;
  const auto segment_size = SegmentSize::of_bytes(size);
  const auto segment = parse_segment_name(name, segment_size);
  std::array<std::byte, 16> head{};
  const auto fd = backup_engine::base::open_for_reading(file);
  if (!segment || backup_engine::base::read_at(fd.get(), head, 0, file) != head.size()) return false;
  std::uint64_t address = 0;
  std::memcpy(&address, head.data() + 8, sizeof address);
  return address == backup_engine::postgres::start_of(*segment, segment_size).position_bytes();
}

bool is_segment_name(const std::string& name) {
  constexpr std::size_t digits = 24;
  return name.size() == digits && name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

}  // namespace

WalWitness WalWitness::start(const Server& source, const WalWitnessOptions& options, const Deadline& deadline,
                             const std::stop_token& stop) {
  fs::create_directories(options.directory);
  fs::permissions(options.directory, fs::perms::owner_all);
  if (!fs::is_empty(options.directory)) {
    throw Error(ErrorKind::already_exists,
                fmt::format("witness WAL wants an empty directory: {}", options.directory.string()));
  }
  const auto command = receiver_command(source, options);
  make_slot(command, deadline, stop);
  WalWitness witness(process::Subprocess::start(command), options.directory);
  auto connection = source.connect();
  const auto look = [&]() -> std::optional<std::string> {
    if (const auto status = witness.receiver_.poll()) {
      throw Error(ErrorKind::process, fmt::format("pg_receivewal ended with {}", process::to_text(*status)))
          .of_command(process::to_text(command))
          .with_log_tail(process::tail_of(options.log_file, log_tail_lines));
    }
    const auto rows = connection.query(
        "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid "
        "WHERE s.slot_name = $1",
        {options.slot});
    if (rows.empty()) return "it is not connected";
    const auto& state = rows[0][0];
    if (state == "streaming") return std::nullopt;
    return state.value_or("unknown");
  };
  backup_engine::base::poll_until(deadline, "the WAL witness to stream", look, stop);
  return witness;
}

void WalWitness::stop(const Deadline& deadline) {
  receiver_.send(SIGINT);
  receiver_.wait(deadline);
}

void WalWitness::take_over(const fs::path& earlier) const {
  for (const auto& entry : std::vector<fs::directory_entry>(fs::directory_iterator(earlier), {})) {
    const auto place = directory_ / entry.path().filename();
    if (!fs::exists(place)) fs::rename(entry.path(), place);
  }
  fs::remove_all(earlier);
}

std::vector<std::string> complete_witness(const fs::path& directory, const fs::path& pg_wal) {
  for (const auto& entry : fs::directory_iterator(pg_wal)) {
    const auto name = entry.path().filename().string();
    const bool history = entry.path().extension() == ".history";
    if (!entry.is_regular_file() || fs::exists(directory / name)) continue;
    if (!history && (!is_segment_name(name) || !holds_its_own_wal(entry.path(), name))) continue;
    fs::copy_file(entry.path(), directory / name);
  }
  std::vector<std::string> names;
  for (const auto& entry : std::vector<fs::directory_entry>(fs::directory_iterator(directory), {})) {
    auto name = entry.path().filename().string();
    if (entry.path().extension() == partial_suffix) {
      // pg_wal had at least as much of the same segment; where it had none, this is all there is (zeros follow).
      name.resize(name.size() - partial_suffix.size());
      if (fs::exists(directory / name)) {
        fs::remove(entry.path());
        continue;
      }
      fs::rename(entry.path(), directory / name);
    }
    if (is_segment_name(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace harness::server

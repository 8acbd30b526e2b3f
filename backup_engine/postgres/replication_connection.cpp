#include "backup_engine/postgres/replication_connection.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/walsender.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::string_view duplicate_object = "42710";
constexpr std::string_view undefined_object = "42704";

NextTimeline next_timeline(const PGresult* result) {
  return {timeline_from(PQgetvalue(result, 0, 0)), lsn_from(PQgetvalue(result, 0, 1))};
}

}  // namespace

struct ReplicationConnection::Impl {
  Impl(const std::string& conninfo, std::string_view name)
      : walsender(conninfo, name, "see the server's log; a receiver reconnects by itself") {}

  Walsender walsender;
  std::unique_ptr<char, FreeMemory> message;  // what the last WalData points into
  bool stream_ended = false;                  // the server's side of the copy
  std::optional<NextTimeline> next_at_once;   // nothing was left to stream

  [[nodiscard]] PGconn* get() const { return walsender.get(); }
};

ReplicationConnection::ReplicationConnection(const std::string& conninfo, std::string_view standby_name)
    : impl_(std::make_unique<Impl>(conninfo, standby_name)) {}

ReplicationConnection::~ReplicationConnection() = default;
ReplicationConnection::ReplicationConnection(ReplicationConnection&&) noexcept = default;
ReplicationConnection& ReplicationConnection::operator=(ReplicationConnection&&) noexcept = default;

Version ReplicationConnection::server_version() const {
  return impl_->walsender.server_version();
}

SystemIdentity ReplicationConnection::identify_system() {
  return impl_->walsender.identify_system();
}

SegmentSize ReplicationConnection::segment_size() {
  return parse_segment_size(impl_->walsender.show("wal_segment_size"));
}

bool ReplicationConnection::data_checksums() {
  return impl_->walsender.show("data_checksums") == "on";
}

bool ReplicationConnection::in_recovery() {
  return impl_->walsender.show("in_hot_standby") == "on";
}

std::optional<SlotState> ReplicationConnection::read_slot(const std::string& slot) {
  require_slot_name(slot);
  const auto values =
      impl_->walsender.row(fmt::format("READ_REPLICATION_SLOT \"{}\"", slot), fmt::format("reading the slot {}", slot));
  if (!values.at(0)) return std::nullopt;
  SlotState state;
  if (values.at(1)) state.restart_lsn = lsn_from(*values.at(1));
  if (values.at(2)) state.restart_timeline = timeline_from(*values.at(2));
  return state;
}

bool ReplicationConnection::create_slot(const std::string& slot) {
  require_slot_name(slot);
  try {
    impl_->walsender.run(fmt::format("CREATE_REPLICATION_SLOT \"{}\" PHYSICAL (RESERVE_WAL)", slot),
                         fmt::format("creating the slot {}", slot));
    return true;
  } catch (const Error& error) {
    if (error.sqlstate() == duplicate_object) return false;
    throw;
  }
}

bool ReplicationConnection::drop_slot(const std::string& slot) {
  require_slot_name(slot);
  try {
    impl_->walsender.run(fmt::format("DROP_REPLICATION_SLOT \"{}\"", slot), fmt::format("dropping the slot {}", slot));
    return true;
  } catch (const Error& error) {
    if (error.sqlstate() == undefined_object) return false;
    throw;
  }
}

std::string ReplicationConnection::timeline_history(TimelineId timeline) {
  return impl_->walsender
      .row(fmt::format("TIMELINE_HISTORY {}", timeline.number()),
           fmt::format("fetching {}", history_file_name(timeline)))
      .at(1)
      .value_or("");
}

void ReplicationConnection::start_streaming(const std::string& slot, Lsn start, TimelineId timeline) {
  if (!slot.empty()) require_slot_name(slot);
  const auto doing = fmt::format("starting to stream at {} on timeline {}", to_string(start), timeline.number());
  const auto command =
      fmt::format("START_REPLICATION {}PHYSICAL {} TIMELINE {}", slot.empty() ? "" : fmt::format("SLOT \"{}\" ", slot),
                  to_string(start), timeline.number());
  if (PQsendQuery(impl_->get(), command.c_str()) == 0) throw impl_->walsender.lost(doing);
  const Result result(PQgetResult(impl_->get()));
  const auto status = PQresultStatus(result.get());
  impl_->stream_ended = false;
  impl_->next_at_once.reset();
  if (status == PGRES_COPY_BOTH) return;
  // The timeline ended just here, and the server says at once where to go on: it was promoted since it was asked.
  if (status == PGRES_TUPLES_OK && PQntuples(result.get()) == 1) impl_->next_at_once = next_timeline(result.get());
  while (Result(PQgetResult(impl_->get()))) continue;
  if (impl_->next_at_once) return;
  if (status == PGRES_FATAL_ERROR) throw impl_->walsender.failure(result.get(), doing);
  throw Error(ErrorKind::server, fmt::format("the server has nothing to stream at {} on timeline {}", to_string(start),
                                             timeline.number()));
}

std::optional<StreamMessage> ReplicationConnection::take() {
  if (impl_->next_at_once) return EndOfStream{};
  char* buffer = nullptr;
  int length = PQgetCopyData(impl_->get(), &buffer, 1);
  if (length == 0) {
    if (PQconsumeInput(impl_->get()) == 0) throw impl_->walsender.lost("streaming");
    length = PQgetCopyData(impl_->get(), &buffer, 1);
  }
  impl_->message.reset(buffer);
  if (length == 0) return std::nullopt;
  if (length == -1) {
    impl_->stream_ended = true;
    return EndOfStream{};
  }
  if (length < 0) throw impl_->walsender.lost("streaming");
  const auto bytes = std::as_bytes(std::span(buffer, static_cast<std::size_t>(length)));
  constexpr std::size_t wal_header = 1 + 3 * 8, keepalive_length = 1 + 2 * 8 + 1;
  if (buffer[0] == 'w' && bytes.size() >= wal_header) {
    return WalData{Lsn(big_endian_64(bytes.subspan(1))), Lsn(big_endian_64(bytes.subspan(9))),
                   bytes.subspan(wal_header)};
  }
  if (buffer[0] == 'k' && bytes.size() >= keepalive_length) {
    return Keepalive{Lsn(big_endian_64(bytes.subspan(1))), bytes[17] != std::byte{0}};
  }
  throw garbled(
      fmt::format("a replication message of an unknown kind ({}) and {} bytes", static_cast<int>(buffer[0]), length));
}

void ReplicationConnection::wait(std::chrono::milliseconds at_most, int wake_fd) const {
  impl_->walsender.wait_readable(at_most, wake_fd);
}

void ReplicationConnection::send(const StandbyStatus& status) {
  impl_->walsender.send(status);
}

std::optional<NextTimeline> ReplicationConnection::end_streaming() {
  impl_->message.reset();
  if (impl_->next_at_once) return std::exchange(impl_->next_at_once, std::nullopt);
  const auto end_copy = [this] {
    if (PQputCopyEnd(impl_->get(), nullptr) <= 0 || PQflush(impl_->get()) != 0)
      throw impl_->walsender.lost("ending the stream");
  };
  if (!impl_->stream_ended) end_copy();
  std::optional<NextTimeline> next;
  std::optional<Error> refused;
  bool ended = false;
  for (Result result(PQgetResult(impl_->get())); result; result.reset(PQgetResult(impl_->get()))) {
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN) {
      end_copy();  // only the server's side had ended
    } else if (status == PGRES_COPY_BOTH || status == PGRES_COPY_OUT) {
      // WAL that was under way when the end was asked for; nobody will acknowledge it.
      char* buffer = nullptr;
      while (PQgetCopyData(impl_->get(), &buffer, 0) > 0) PQfreemem(buffer);
    } else if (status == PGRES_TUPLES_OK && PQntuples(result.get()) == 1) {
      next = next_timeline(result.get());
    } else if (status == PGRES_COMMAND_OK) {
      ended = true;  // a server that shuts down says this and hangs up
    } else if (status == PGRES_FATAL_ERROR && !refused && !ended) {
      refused = impl_->walsender.failure(result.get(), "streaming");
    }
    if (PQstatus(impl_->get()) != CONNECTION_OK) break;
  }
  if (refused) throw *refused;
  return next;
}

WalLoss wal_loss(const Error& error) {
  constexpr std::string_view undefined_file = "58P01", internal_error = "XX000";
  if (error.kind() != ErrorKind::server) return WalLoss::none;
  if (error.sqlstate() == undefined_file) return WalLoss::removed;
  return error.sqlstate() == internal_error ? WalLoss::being_removed : WalLoss::none;
}

SegmentSize parse_segment_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, value);
  const std::string_view suffix(unit, static_cast<std::size_t>(end - unit));
  const auto factor = [&]() -> std::uint64_t {
    if (suffix == "kB") return 1024;
    if (suffix == "MB") return 1024 * 1024;
    if (suffix == "GB") return 1024 * 1024 * 1024;
    return suffix == "B" || suffix.empty() ? 1 : 0;
  }();
  if (error != std::errc() || factor == 0 || value > 1024ULL * 1024 * 1024) {
    throw garbled(fmt::format("no WAL segment size: \"{}\"", text));
  }
  return SegmentSize::of_bytes(value * factor);
}

void require_slot_name(std::string_view slot) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (!slot.empty() && slot.size() < 64 && slot.find_first_not_of(allowed) == std::string_view::npos) return;
  throw Error(ErrorKind::usage, fmt::format("no name for a replication slot: \"{}\"", slot))
      .with_remedy("use lower-case letters, digits and underscores, at most 63 of them");
}

}  // namespace backup_engine::postgres

#include "backup_engine/postgres/replication_connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};

constexpr std::string_view insufficient_privilege = "42501";
constexpr std::string_view duplicate_object = "42710";
constexpr std::string_view undefined_object = "42704";

std::string trimmed(const char* text) {
  std::string message = text == nullptr ? "" : text;
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  return message;
}

constexpr const char* right_remedy =
    "give the role the right: ALTER ROLE … REPLICATION, and a line for database \"replication\" in pg_hba.conf";

std::uint64_t big_endian_64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes.first<8>()) value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
  return value;
}

void put_big_endian_64(std::span<char> to, std::uint64_t value) {
  for (std::size_t i = 8; i-- > 0; value >>= 8U) to[i] = static_cast<char>(value & 0xFFU);
}

// Microseconds since 2000-01-01, PostgreSQL's epoch.
std::uint64_t postgres_clock() {
  constexpr auto epoch_seconds = std::chrono::seconds(946684800);
  const auto now = std::chrono::system_clock::now().time_since_epoch() - epoch_seconds;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

template <typename Number>
Number number_from(std::string_view text, std::string_view what) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorKind::corrupt, fmt::format("the server sent no {}: \"{}\"", what, text));
  }
  return value;
}

Lsn lsn_from(std::string_view text) {
  const auto lsn = parse_lsn(text);
  if (!lsn) throw Error(ErrorKind::corrupt, fmt::format("the server sent no LSN: \"{}\"", text));
  return *lsn;
}

}  // namespace

struct ReplicationConnection::Impl {
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection;
  std::unique_ptr<char, FreeMemory> message;  // what the last WalData points into
  bool stream_ended = false;                  // the server's side of the copy

  [[nodiscard]] PGconn* get() const { return connection.get(); }

  [[nodiscard]] Error lost(std::string_view doing) const {
    return Error(ErrorKind::connection,
                 fmt::format("the replication connection was lost, {}: {}", doing, trimmed(PQerrorMessage(get()))))
        .with_remedy("see the server's log; a receiver reconnects by itself");
  }

  [[nodiscard]] Error failure(const PGresult* result, std::string_view doing) const {
    const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* const severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const bool fatal = severity == nullptr || std::string_view(severity) != "ERROR";
    if (code == nullptr || fatal || PQstatus(get()) != CONNECTION_OK) return lost(doing);
    auto text =
        fmt::format("PostgreSQL refused, {}: {}", doing, trimmed(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    if (code == insufficient_privilege) return Error(ErrorKind::permission, text).with_remedy(right_remedy);
    return Error(ErrorKind::server, text).with_sqlstate(code);
  }

  Result run(const std::string& command, std::string_view doing) const {
    Result result(PQexec(get(), command.c_str()));
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_BOTH) return result;
    throw failure(result.get(), doing);
  }

  // The only row of a command's result.
  [[nodiscard]] std::vector<std::optional<std::string>> row(const std::string& command, std::string_view doing) const {
    const auto result = run(command, doing);
    if (PQntuples(result.get()) != 1)
      throw Error(ErrorKind::internal, fmt::format("no single row came back, {}", doing));
    std::vector<std::optional<std::string>> values;
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      if (PQgetisnull(result.get(), 0, column) != 0) {
        values.emplace_back();
      } else {
        values.emplace_back(std::string(PQgetvalue(result.get(), 0, column),
                                        static_cast<std::size_t>(PQgetlength(result.get(), 0, column))));
      }
    }
    return values;
  }
};

ReplicationConnection::ReplicationConnection(const std::string& conninfo, std::string_view standby_name)
    : impl_(std::make_unique<Impl>()) {
  refuse_password(conninfo);
  const std::string name(standby_name);
  // In libpq's order a later keyword wins: the conninfo may change the time-out, never what makes it a walsender.
  const std::array<const char*, 6> keywords = {"connect_timeout", "dbname",           "dbname",
                                               "replication",     "application_name", nullptr};
  const std::array<const char*, 6> values = {"10", conninfo.c_str(), "replication", "true", name.c_str(), nullptr};
  impl_->connection.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
  if (PQstatus(impl_->get()) == CONNECTION_OK) return;
  const auto message = trimmed(PQerrorMessage(impl_->get()));
  const bool rights =
      message.find("replication") != std::string::npos || message.find("WAL sender") != std::string::npos;
  auto error = Error(ErrorKind::connection, fmt::format("no replication connection: {}", message));
  throw error.with_remedy(rights ? right_remedy
                                 : "check that the server runs and that the connection string reaches it");
}

ReplicationConnection::~ReplicationConnection() = default;
ReplicationConnection::ReplicationConnection(ReplicationConnection&&) noexcept = default;
ReplicationConnection& ReplicationConnection::operator=(ReplicationConnection&&) noexcept = default;

Version ReplicationConnection::server_version() const {
  return Version(PQserverVersion(impl_->get()));
}

SystemIdentity ReplicationConnection::identify_system() {
  const auto values = impl_->row("IDENTIFY_SYSTEM", "identifying the system");
  return {number_from<std::uint64_t>(values.at(0).value(), "system identifier"),
          TimelineId(number_from<std::uint32_t>(values.at(1).value(), "timeline")), lsn_from(values.at(2).value())};
}

SegmentSize ReplicationConnection::segment_size() {
  return parse_segment_size(impl_->row("SHOW wal_segment_size", "asking for wal_segment_size").at(0).value());
}

bool ReplicationConnection::data_checksums() {
  return impl_->row("SHOW data_checksums", "asking for data_checksums").at(0) == "on";
}

std::optional<SlotState> ReplicationConnection::read_slot(const std::string& slot) {
  require_slot_name(slot);
  const auto values =
      impl_->row(fmt::format("READ_REPLICATION_SLOT \"{}\"", slot), fmt::format("reading the slot {}", slot));
  if (!values.at(0)) return std::nullopt;
  SlotState state;
  if (values.at(1)) state.restart_lsn = lsn_from(*values.at(1));
  if (values.at(2)) state.restart_timeline = TimelineId(number_from<std::uint32_t>(*values.at(2), "timeline"));
  return state;
}

bool ReplicationConnection::create_slot(const std::string& slot) {
  require_slot_name(slot);
  try {
    impl_->run(fmt::format("CREATE_REPLICATION_SLOT \"{}\" PHYSICAL (RESERVE_WAL)", slot),
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
    impl_->run(fmt::format("DROP_REPLICATION_SLOT \"{}\"", slot), fmt::format("dropping the slot {}", slot));
    return true;
  } catch (const Error& error) {
    if (error.sqlstate() == undefined_object) return false;
    throw;
  }
}

std::string ReplicationConnection::timeline_history(TimelineId timeline) {
  return impl_
      ->row(fmt::format("TIMELINE_HISTORY {}", timeline.number()),
            fmt::format("fetching {}", history_file_name(timeline)))
      .at(1)
      .value_or("");
}

void ReplicationConnection::start_streaming(const std::string& slot, Lsn start, TimelineId timeline) {
  require_slot_name(slot);
  const auto command =
      fmt::format("START_REPLICATION SLOT \"{}\" PHYSICAL {} TIMELINE {}", slot, to_string(start), timeline.number());
  const auto result =
      impl_->run(command, fmt::format("starting to stream at {} on timeline {}", to_string(start), timeline.number()));
  if (PQresultStatus(result.get()) != PGRES_COPY_BOTH) {
    throw Error(ErrorKind::server, fmt::format("the server has nothing to stream at {} on timeline {}",
                                               to_string(start), timeline.number()));
  }
}

std::optional<StreamMessage> ReplicationConnection::take() {
  char* buffer = nullptr;
  int length = PQgetCopyData(impl_->get(), &buffer, 1);
  if (length == 0) {
    if (PQconsumeInput(impl_->get()) == 0) throw impl_->lost("streaming");
    length = PQgetCopyData(impl_->get(), &buffer, 1);
  }
  impl_->message.reset(buffer);
  if (length == 0) return std::nullopt;
  if (length == -1) {
    impl_->stream_ended = true;
    return EndOfStream{};
  }
  if (length < 0) throw impl_->lost("streaming");
  const auto bytes = std::as_bytes(std::span(buffer, static_cast<std::size_t>(length)));
  constexpr std::size_t wal_header = 1 + 3 * 8, keepalive_length = 1 + 2 * 8 + 1;
  if (buffer[0] == 'w' && bytes.size() >= wal_header) {
    return WalData{Lsn(big_endian_64(bytes.subspan(1))), Lsn(big_endian_64(bytes.subspan(9))),
                   bytes.subspan(wal_header)};
  }
  if (buffer[0] == 'k' && bytes.size() >= keepalive_length) {
    return Keepalive{Lsn(big_endian_64(bytes.subspan(1))), bytes[17] != std::byte{0}};
  }
  throw Error(ErrorKind::corrupt, fmt::format("a replication message of an unknown kind ({}) and {} bytes",
                                              static_cast<int>(buffer[0]), length));
}

void ReplicationConnection::wait(std::chrono::milliseconds at_most, int wake_fd) const {
  std::array<pollfd, 2> fds = {pollfd{PQsocket(impl_->get()), POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(at_most.count())) < 0 && errno != EINTR) {
    throw base::system_error(errno, "wait for", "the replication connection");
  }
}

void ReplicationConnection::send(const StandbyStatus& status) {
  std::array<char, 1 + 4 * 8 + 1> message{};
  message[0] = 'r';
  const std::span<char> all(message);
  put_big_endian_64(all.subspan(1), status.written.position_bytes());
  put_big_endian_64(all.subspan(9), status.flushed.position_bytes());
  put_big_endian_64(all.subspan(17), status.applied.position_bytes());
  put_big_endian_64(all.subspan(25), postgres_clock());
  message[33] = status.reply_requested ? 1 : 0;
  if (PQputCopyData(impl_->get(), message.data(), static_cast<int>(message.size())) <= 0 ||
      PQflush(impl_->get()) != 0) {
    throw impl_->lost("reporting what is durable");
  }
}

std::optional<NextTimeline> ReplicationConnection::end_streaming() {
  impl_->message.reset();
  const auto end_copy = [this] {
    if (PQputCopyEnd(impl_->get(), nullptr) <= 0 || PQflush(impl_->get()) != 0) throw impl_->lost("ending the stream");
  };
  if (!impl_->stream_ended) end_copy();
  std::optional<NextTimeline> next;
  std::optional<Error> refused;
  for (Result result(PQgetResult(impl_->get())); result; result.reset(PQgetResult(impl_->get()))) {
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN) {
      end_copy();  // only the server's side had ended
    } else if (status == PGRES_COPY_BOTH || status == PGRES_COPY_OUT) {
      // WAL that was under way when the end was asked for; nobody will acknowledge it.
      char* buffer = nullptr;
      while (PQgetCopyData(impl_->get(), &buffer, 0) > 0) PQfreemem(buffer);
    } else if (status == PGRES_TUPLES_OK && PQntuples(result.get()) == 1) {
      next = NextTimeline{TimelineId(number_from<std::uint32_t>(PQgetvalue(result.get(), 0, 0), "timeline")),
                          lsn_from(PQgetvalue(result.get(), 0, 1))};
    } else if (status == PGRES_COMMAND_OK && !next) {
      return std::nullopt;  // a server that shuts down says this and hangs up
    } else if (status == PGRES_FATAL_ERROR && !refused) {
      refused = impl_->failure(result.get(), "streaming");
    }
    if (PQstatus(impl_->get()) != CONNECTION_OK) break;
  }
  if (refused) throw *refused;
  return next;
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
    throw Error(ErrorKind::corrupt, fmt::format("no WAL segment size: \"{}\"", text));
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

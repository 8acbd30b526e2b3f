#include "backup_engine/postgres/walsender.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <utility>

#include "backup_engine/postgres/conninfo.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::string_view insufficient_privilege = "42501";

constexpr const char* right_remedy =
    "give the role the right: ALTER ROLE … REPLICATION, and a line for database \"replication\" in pg_hba.conf";
constexpr const char* file_remedy =
    "the server's own user may not: look at the owner and mode of the file or directory that is named, and of those "
    "above it, on the server's host";
constexpr const char* setting_remedy =
    "ALTER SYSTEM SET max_wal_senders = 10 or more (and wal_level = replica where it is minimal), and start the server "
    "anew; `lifeboat doctor --dbname …` names all that stands in the way";
constexpr const char* server_remedy = "check that the server runs and that the connection string reaches it";

const char* remedy_for_refused(const std::string& message) {
  const auto tells_of = [&](std::string_view text) { return message.find(text) != std::string::npos; };
  if (tells_of("max_wal_senders")) return setting_remedy;
  return tells_of("replication") || tells_of("WAL sender") ? right_remedy : server_remedy;
}

std::string trimmed(const char* text) {
  std::string message = text == nullptr ? "" : text;
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  return message;
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

}  // namespace

Walsender::Walsender(const std::string& conninfo, std::string_view name, std::string when_lost)
    : when_lost_(std::move(when_lost)) {
  refuse_password(conninfo);
  const std::string application(name);
  // In libpq's order a later keyword wins: the conninfo may change the time-outs, never what makes it a walsender. A
  // peer that vanished without a word is noticed after two minutes instead of hours.
  constexpr std::size_t count = 9;
  const std::array<const char*, count> keywords = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                                   "keepalives_count", "dbname",           "dbname",
                                                   "replication",      "application_name", nullptr};
  const std::array<const char*, count> values = {
      "10", "60", "10", "6", conninfo.c_str(), "replication", "true", application.c_str(), nullptr};
  connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
  if (PQstatus(get()) == CONNECTION_OK) return;
  const auto message = trimmed(PQerrorMessage(get()));
  throw Error(ErrorKind::connection, fmt::format("no replication connection: {}", message))
      .with_remedy(remedy_for_refused(message));
}

SystemIdentity Walsender::identify_system() const {
  const auto values = row("IDENTIFY_SYSTEM", "identifying the system");
  return {number_from(values.at(0).value(), "system identifier"), timeline_from(values.at(1).value()),
          lsn_from(values.at(2).value())};
}

std::string Walsender::show(std::string_view setting) const {
  return row(fmt::format("SHOW {}", setting), fmt::format("asking for {}", setting)).at(0).value();
}

Error Walsender::lost(std::string_view doing) const {
  return Error(ErrorKind::connection,
               fmt::format("the replication connection was lost, {}: {}", doing, trimmed(PQerrorMessage(get()))))
      .with_remedy(when_lost_);
}

Error Walsender::failure(const PGresult* result, std::string_view doing) const {
  const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const bool fatal = severity == nullptr || std::string_view(severity) != "ERROR";
  if (code == nullptr || fatal || PQstatus(get()) != CONNECTION_OK) return lost(doing);
  auto text =
      fmt::format("PostgreSQL refused, {}: {}", doing, trimmed(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
  // Who has no right to replicate hears it when he connects; EACCES of the server's own has the same code.
  if (code == insufficient_privilege) {
    const bool of_role = text.find("replication") != std::string::npos || text.find("WAL sender") != std::string::npos;
    return Error(ErrorKind::permission, text).with_remedy(of_role ? right_remedy : file_remedy);
  }
  return Error(ErrorKind::server, text).with_sqlstate(code);
}

Result Walsender::run(const std::string& command, std::string_view doing) const {
  Result result(PQexec(get(), command.c_str()));
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_BOTH) return result;
  throw failure(result.get(), doing);
}

std::vector<std::optional<std::string>> Walsender::row(const std::string& command, std::string_view doing) const {
  const auto result = run(command, doing);
  if (PQntuples(result.get()) != 1) throw Error(ErrorKind::internal, fmt::format("no single row came back, {}", doing));
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

void Walsender::wait_readable(std::chrono::milliseconds at_most, int wake_fd) const {
  std::array<pollfd, 2> fds = {pollfd{PQsocket(get()), POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(at_most.count())) < 0 && errno != EINTR) {
    throw base::system_error(errno, "wait for", "the replication connection");
  }
}

void Walsender::send(const StandbyStatus& status) const {
  std::array<char, 1 + 4 * 8 + 1> message{};
  message[0] = 'r';
  const std::span<char> all(message);
  put_big_endian_64(all.subspan(1), status.written.position_bytes());
  put_big_endian_64(all.subspan(9), status.flushed.position_bytes());
  put_big_endian_64(all.subspan(17), status.applied.position_bytes());
  put_big_endian_64(all.subspan(25), postgres_clock());
  message[33] = status.reply_requested ? 1 : 0;
  if (PQputCopyData(get(), message.data(), static_cast<int>(message.size())) <= 0 || PQflush(get()) != 0) {
    throw lost("reporting what is durable");
  }
}

Error garbled(const std::string& message) {
  return Error(ErrorKind::corrupt, message)
      .with_remedy("that is no answer of PostgreSQL: connect to the server itself, past poolers and proxies");
}

std::uint64_t big_endian_64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes.first<8>()) value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
  return value;
}

std::uint64_t number_from(std::string_view text, std::string_view what) {
  std::uint64_t value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw garbled(fmt::format("the server sent no {}: \"{}\"", what, text));
  }
  return value;
}

Lsn lsn_from(std::string_view text) {
  const auto lsn = parse_lsn(text);
  if (!lsn) throw garbled(fmt::format("the server sent no LSN: \"{}\"", text));
  return *lsn;
}

TimelineId timeline_from(std::string_view text) {
  const auto number = number_from(text, "timeline");
  if (number == 0 || number > std::numeric_limits<std::uint32_t>::max()) {
    throw garbled(fmt::format("the server sent no timeline: \"{}\"", text));
  }
  return TimelineId(static_cast<std::uint32_t>(number));
}

}  // namespace backup_engine::postgres

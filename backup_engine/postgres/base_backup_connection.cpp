#include "backup_engine/postgres/base_backup_connection.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/walsender.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

constexpr auto look_at_stop_token = std::chrono::milliseconds(100);
constexpr std::string_view data_corrupted = "XX001";
constexpr std::string_view streaming = "streaming the base backup";

// What stands between the first and the last quotation mark, in whatever language the server speaks.
std::string quoted_part(std::string_view message) {
  const auto begin = message.find('"');
  const auto end = message.rfind('"');
  if (begin == std::string_view::npos || begin == end) return std::string(message);
  return std::string(message.substr(begin + 1, end - begin - 1));
}

std::string text_at(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

base::UtcTime postgres_time(std::uint64_t microseconds_since_2000) {
  constexpr auto epoch = std::chrono::seconds(946684800);
  return base::UtcTime(epoch + std::chrono::microseconds(static_cast<std::int64_t>(microseconds_since_2000)));
}

// A C string at the front of `bytes`.
std::string_view text_in(std::span<const std::byte> bytes) {
  const auto* const begin = reinterpret_cast<const char*>(bytes.data());
  return {begin, ::strnlen(begin, bytes.size())};
}

}  // namespace

struct BaseBackupConnection::Impl {
  Impl(const std::string& conninfo, std::string_view name)
      : walsender(conninfo, name, "see the server's log, then take the backup again") {
    PQsetNoticeReceiver(walsender.get(), &Impl::on_notice, this);
  }

  Walsender walsender;
  std::unique_ptr<char, FreeMemory> message;  // what the last StreamedBytes points into
  std::vector<std::string> skipped;

  [[nodiscard]] PGconn* get() const { return walsender.get(); }

  static void on_notice(void* self, const PGresult* notice) {
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char* const function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    const char* const text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    if (severity == nullptr || function == nullptr || text == nullptr) return;
    if (std::string_view(severity) != "WARNING" || std::string_view(function) != "sendDir") return;
    static_cast<Impl*>(self)->skipped.push_back(quoted_part(text));
  }

  void receive_more(const std::stop_token& stop, std::string_view doing) const {
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    walsender.wait_readable(look_at_stop_token, -1);
    if (PQconsumeInput(get()) == 0) throw walsender.lost(doing);
  }

  Result next_result(const std::stop_token& stop, std::string_view doing) const {
    while (PQisBusy(get()) != 0) receive_more(stop, doing);
    return Result(PQgetResult(get()));
  }

  Result expect(ExecStatusType wanted, const std::stop_token& stop, std::string_view doing) const {
    auto result = next_result(stop, doing);
    const auto status = PQresultStatus(result.get());
    if (result && status == wanted) return result;
    if (status == PGRES_FATAL_ERROR) throw walsender.failure(result.get(), doing);
    if (PQstatus(get()) != CONNECTION_OK) throw walsender.lost(doing);
    throw garbled(fmt::format("the server answered {} out of turn, {}", PQresStatus(status), doing));
  }

  // The next whole message of a copy; empty at its end.
  std::span<const std::byte> next_message(const std::stop_token& stop, std::string_view doing) {
    for (;;) {
      if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
      char* buffer = nullptr;
      const int length = PQgetCopyData(get(), &buffer, 1);
      message.reset(buffer);
      if (length > 0) return std::as_bytes(std::span(buffer, static_cast<std::size_t>(length)));
      if (length == -1) return {};
      if (length < 0) throw walsender.lost(doing);
      receive_more(stop, doing);
    }
  }
};

BaseBackupConnection::BaseBackupConnection(const std::string& conninfo, std::string_view application_name)
    : impl_(std::make_unique<Impl>(conninfo, application_name)) {}
BaseBackupConnection::~BaseBackupConnection() = default;
BaseBackupConnection::BaseBackupConnection(BaseBackupConnection&&) noexcept = default;
BaseBackupConnection& BaseBackupConnection::operator=(BaseBackupConnection&&) noexcept = default;

Version BaseBackupConnection::server_version() const {
  return impl_->walsender.server_version();
}

bool BaseBackupConnection::in_recovery() const {
  const char* const value = PQparameterStatus(impl_->get(), "in_hot_standby");
  return value != nullptr && std::string_view(value) == "on";
}

SystemIdentity BaseBackupConnection::identify_system() {
  return impl_->walsender.identify_system();
}

std::string BaseBackupConnection::show(std::string_view setting) {
  return impl_->walsender.show(setting);
}

BaseBackupStart BaseBackupConnection::start(const std::string& label, const std::stop_token& stop) {
  constexpr std::string_view doing = "starting the base backup";
  // Asked for a tablespace map, 15 leaves out the files of in-place tablespaces without a word (tried); later ones send
  // them as archives of their own. Without a map, links longer than a tar header holds would be refused.
  const auto map = server_version().major() == 15 ? "" : "TABLESPACE_MAP, ";
  const auto command =
      fmt::format("BASE_BACKUP (LABEL {}, PROGRESS, CHECKPOINT 'fast', WAIT 0, {}MANIFEST 'yes', VERIFY_CHECKSUMS 1)",
                  quote_literal(label), map);
  if (PQsendQuery(impl_->get(), command.c_str()) == 0) throw impl_->walsender.lost(doing);
  const auto position = impl_->expect(PGRES_TUPLES_OK, stop, doing);
  const auto tablespaces = impl_->expect(PGRES_TUPLES_OK, stop, doing);
  if (PQntuples(position.get()) != 1 || PQnfields(position.get()) < 2 || PQnfields(tablespaces.get()) < 3) {
    throw garbled("the server does not say where the base backup starts and what it holds");
  }
  BaseBackupStart start;
  start.lsn = lsn_from(text_at(position.get(), 0, 0));
  start.timeline = timeline_from(text_at(position.get(), 0, 1));
  for (int row = 0; row < PQntuples(tablespaces.get()); ++row) {
    start.size_bytes += number_from(text_at(tablespaces.get(), row, 2), "size in kB") * 1024;
    if (PQgetisnull(tablespaces.get(), row, 0) != 0) continue;  // the data directory
    start.tablespaces.push_back(
        {static_cast<std::uint32_t>(number_from(text_at(tablespaces.get(), row, 0), "tablespace's OID")),
         text_at(tablespaces.get(), row, 1)});
  }
  static_cast<void>(impl_->expect(PGRES_COPY_OUT, stop, doing));
  return start;
}

BaseBackupMessage BaseBackupConnection::take(const std::stop_token& stop) {
  for (;;) {
    const auto bytes = impl_->next_message(stop, streaming);
    if (bytes.empty()) return EndOfArchives{};
    const auto rest = bytes.subspan(1);
    switch (static_cast<char>(bytes[0])) {
      case 'd':
        return StreamedBytes{rest};
      case 'm':
        return ServerManifestBegins{};
      case 'p':
        break;  // how far the server is; what arrived says the same
      case 'n': {
        const auto name = text_in(rest);
        if (name == "base.tar") return ArchiveBegins{};
        if (!name.ends_with(".tar")) {
          throw garbled(fmt::format("the server sends an archive of an unknown name: {}", name));
        }
        return ArchiveBegins{
            static_cast<std::uint32_t>(number_from(name.substr(0, name.size() - 4), "tablespace's OID"))};
      }
      default:
        throw garbled(fmt::format("a message of an unknown kind ({}), {}", std::to_integer<int>(bytes[0]), streaming));
    }
  }
}

BaseBackupEnd BaseBackupConnection::finish(const std::stop_token& stop) {
  impl_->message.reset();
  const auto position = impl_->expect(PGRES_TUPLES_OK, stop, streaming);
  if (PQntuples(position.get()) != 1 || PQnfields(position.get()) < 2) {
    throw garbled("the server does not say where the base backup ends");
  }
  BaseBackupEnd end;
  end.lsn = lsn_from(text_at(position.get(), 0, 0));
  end.timeline = timeline_from(text_at(position.get(), 0, 1));
  while (const auto result = impl_->next_result(stop, streaming)) {
    if (PQresultStatus(result.get()) != PGRES_FATAL_ERROR) continue;
    const auto failure = impl_->walsender.failure(result.get(), streaming);
    // Said after everything was sent and the backup was stopped.
    if (failure.sqlstate() != data_corrupted) throw failure;
    end.server_found_damage = true;
  }
  return end;
}

const std::vector<std::string>& BaseBackupConnection::skipped() const {
  return impl_->skipped;
}

base::UtcTime BaseBackupConnection::server_clock(Lsn flushed, TimelineId timeline, const std::stop_token& stop) {
  constexpr std::string_view doing = "asking for the server's clock";
  static_cast<void>(impl_->walsender.run(
      fmt::format("START_REPLICATION PHYSICAL {} TIMELINE {}", to_string(flushed), timeline.number()), doing));
  impl_->walsender.send({.written = {}, .flushed = {}, .applied = {}, .reply_requested = true});
  const auto bytes = impl_->next_message(stop, doing);
  constexpr std::size_t wal_time = 17, keepalive_time = 9;  // after the kind and the positions
  if (!bytes.empty() && bytes[0] == std::byte{'w'} && bytes.size() >= wal_time + 8) {
    return postgres_time(big_endian_64(bytes.subspan(wal_time)));
  }
  if (!bytes.empty() && bytes[0] == std::byte{'k'} && bytes.size() >= keepalive_time + 8) {
    return postgres_time(big_endian_64(bytes.subspan(keepalive_time)));
  }
  throw garbled(fmt::format("the server did not answer, {}", doing));
}

}  // namespace backup_engine::postgres

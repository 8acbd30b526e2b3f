#include "backup_engine/postgres/connection.hpp"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <pqxx/pqxx>
#include <stdexcept>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

// ---- the only lines that know which libpqxx this is: 6.4 on Debian 12, 7.10 on Debian 13 ----

#if PQXX_VERSION_MAJOR >= 7
pqxx::result run(pqxx::nontransaction& session, const std::string& sql, const std::vector<Value>& values) {
  pqxx::params parameters;
  for (const auto& value : values) {
    if (value) {
      parameters.append(*value);
    } else {
      parameters.append();
    }
  }
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
  return session.exec(sql, parameters);
#else
  return session.exec_params(sql, parameters);
#endif
}
#else
pqxx::result run(pqxx::nontransaction& session, const std::string& sql, const std::vector<Value>& values) {
  std::vector<const char*> parameters;
  parameters.reserve(values.size());
  for (const auto& value : values) parameters.push_back(value ? value->c_str() : nullptr);
  return session.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters));
}
#endif

#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
class NoticeTap {
 public:
  NoticeTap(pqxx::connection& connection, std::vector<std::string>& notices) {
    connection.set_notice_handler([&notices](pqxx::zview text) noexcept { notices.emplace_back(text); });
  }
};
#else
class NoticeTap : public pqxx::errorhandler {
 public:
  NoticeTap(pqxx::connection& connection, std::vector<std::string>& notices)
      : pqxx::errorhandler(connection), notices_(notices) {}
  bool operator()(const char text[]) noexcept override {
    notices_.emplace_back(text);
    return false;  // no further handler: the default one would print to stderr
  }

 private:
  std::vector<std::string>& notices_;
};
#endif

// 6.4 throws class 40 as pqxx::transaction_rollback, which carries no SQLSTATE; 7 derives it from sql_error. Nor does
// 6.4 give one to what it throws of 42501.
std::string sqlstate_of(const pqxx::failure& failure) {
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&failure) != nullptr) return "42501";
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&failure)) return sql->sqlstate();
  if (dynamic_cast<const pqxx::serialization_failure*>(&failure) != nullptr) return "40001";
  if (dynamic_cast<const pqxx::deadlock_detected*>(&failure) != nullptr) return "40P01";
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&failure) != nullptr) return "40003";
  if (dynamic_cast<const pqxx::transaction_rollback*>(&failure) != nullptr) return "40000";
  return "";
}

// ---- from here on, any libpqxx ----

constexpr std::string_view query_canceled = "57014";

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Severities below WARNING, as untranslated servers word them. Another language's word counts as a warning: whoever
// asks wants to know that something was said.
bool below_warning(const std::string& notice) {
  for (const std::string_view severity : {"DEBUG:", "LOG:", "INFO:", "NOTICE:"}) {
    if (notice.rfind(severity, 0) == 0) return true;
  }
  return false;
}

std::string complete_conninfo(const std::string& conninfo, std::string_view application_name) {
  refuse_password(conninfo);
  auto complete = with_keyword(conninfo, "application_name", application_name);
  if (complete.find("connect_timeout=") == std::string::npos)
    complete = with_keyword(complete, "connect_timeout", "10");
  return complete;
}

Rows to_rows(const pqxx::result& result) {
  std::vector<std::string> columns;
  for (pqxx::row::size_type i = 0; i < result.columns(); ++i) columns.emplace_back(result.column_name(i));
  std::vector<std::vector<Value>> rows;
  rows.reserve(static_cast<std::size_t>(result.size()));
  for (const auto& row : result) {
    auto& values = rows.emplace_back();
    values.reserve(columns.size());
    for (const auto& field : row) {
      values.push_back(field.is_null() ? Value() : Value(std::string(field.c_str(), field.size())));
    }
  }
  return Rows(std::move(columns), std::move(rows));
}

// For as long as one statement runs. The request may come before the server has the statement, and would be lost then:
// it is sent again until the statement has ended.
class Cancellation {
 public:
  Cancellation(pqxx::connection& session, const std::stop_token& stop)
      : session_(session), when_stopped_(stop, [this] { cancel_until_ended(); }) {}
  ~Cancellation() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
  }
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

 private:
  void cancel_until_ended() {
    std::unique_lock lock(mutex_);
    for (int attempt = 0; attempt < attempts && !ended_; ++attempt) {
      lock.unlock();
      try {
        session_.cancel_query();
      } catch (const std::exception&) {
        return;  // the server is gone, and with it the statement
      }
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds(100), [this] { return ended_; });
    }
  }

  static constexpr int attempts = 50;  // whoever asks to stop has others to tell
  pqxx::connection& session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::stop_callback<std::function<void()>> when_stopped_;  // goes first, and waits for what it has begun
};

}  // namespace

const std::string& Rows::single() const {
  if (rows_.size() != 1 || columns_.size() != 1 || !rows_[0][0]) {
    throw Error(ErrorKind::internal, fmt::format("one value was expected; the query gave {} rows of {} columns{}",
                                                 rows_.size(), columns_.size(), rows_.size() == 1 ? " (or NULL)" : ""));
  }
  return *rows_[0][0];
}

// The notices live behind a pointer of their own: the handler keeps a reference to them while Connection moves.
struct Connection::Impl {
  explicit Impl(const std::string& conninfo) : session(conninfo), tap(session, notices) {}

  std::vector<std::string> notices;
  pqxx::connection session;
  NoticeTap tap;
  std::stop_token stop{};
  bool lost = false;

  // libpqxx 6 reconnects by itself; a new session in place of a lost one would hide what became of its transaction.
  void refuse_when_lost() const {
    if (lost) {
      throw Error(ErrorKind::connection, "the database connection was lost earlier")
          .with_remedy("open a new connection; what the old one last sent may or may not have happened");
    }
  }

  [[noreturn]] void fail(const pqxx::failure& failure) {
    const auto sqlstate = sqlstate_of(failure);
    if (sqlstate == query_canceled && stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    // After a FATAL or PANIC the server closes the connection, which libpq has seen by now.
    if (sqlstate.empty() || !session.is_open()) {
      lost = true;
      throw Error(ErrorKind::connection, "the database connection was lost: " + trimmed(failure.what()))
          .with_remedy("look at the server's log");
    }
    throw Error(ErrorKind::server, trimmed(failure.what())).with_sqlstate(sqlstate);
  }

  template <typename Work>
  auto guarded(Work work) {
    refuse_when_lost();
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    try {
      const Cancellation cancellation(session, stop);
      pqxx::nontransaction transaction(session);
      return work(transaction);
    } catch (const pqxx::failure& failure) {
      fail(failure);
    } catch (const std::logic_error& defect) {  // usage_error, range_error …, which share no base of libpqxx's in 7
      throw Error(ErrorKind::internal, fmt::format("libpqxx: {}", defect.what()));
    }
  }
};

Connection::Connection(const std::string& conninfo, std::string_view application_name) {
  const auto complete = complete_conninfo(conninfo, application_name);
  try {
    impl_ = std::make_unique<Impl>(complete);
  } catch (const pqxx::failure& failure) {
    throw Error(ErrorKind::connection, "cannot connect to PostgreSQL: " + trimmed(failure.what()))
        .with_remedy("check that the server runs and that the connection string names its host, port and database");
  }
}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Rows Connection::query(const std::string& sql, const std::vector<Value>& parameters) {
  return impl_->guarded([&](pqxx::nontransaction& transaction) {
    return to_rows(parameters.empty() ? transaction.exec(sql) : run(transaction, sql, parameters));
  });
}

void Connection::execute(const std::string& sql) {
  impl_->guarded([&](pqxx::nontransaction& transaction) { transaction.exec(sql); });
}

std::vector<std::string> Connection::take_warnings() {
  std::vector<std::string> warnings;
  for (auto& notice : std::exchange(impl_->notices, {})) {
    if (!below_warning(notice)) warnings.push_back(trimmed(std::move(notice)));
  }
  return warnings;
}

Version Connection::server_version() const {
  return Version(impl_->session.server_version());
}

int Connection::backend_pid() const {
  return impl_->session.backendpid();
}

void Connection::cancel() {
  try {
    impl_->session.cancel_query();
  } catch (const pqxx::failure& failure) {
    throw Error(ErrorKind::connection, "the cancel request could not be sent: " + trimmed(failure.what()));
  }
}

void Connection::cancel_when(std::stop_token stop) {
  impl_->stop = std::move(stop);
}

std::string quote_identifier(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

std::string quote_literal(std::string_view text) {
  std::string body;
  bool escaped = false;
  for (const char c : text) {
    if (c == '\'' || c == '\\') body += c;
    if (c == '\\') escaped = true;
    body += c;
  }
  return (escaped ? "E'" : "'") + body + "'";
}

}  // namespace backup_engine::postgres

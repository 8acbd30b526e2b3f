#include "harness/workload/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/workload/transaction_choice.hpp"
#include "harness/workload/writer_gate.hpp"

namespace harness::workload {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using reports::record::LedgerEvent;
using reports::record::LedgerRecord;
using Clock = Deadline::Clock;

namespace {

constexpr std::size_t problems_kept = 20;
constexpr unsigned refusals_without_pause = 3;
constexpr auto limit_to_hold = std::chrono::minutes(1);
constexpr auto patience_for_first_acknowledgement = std::chrono::seconds(10);
constexpr std::uint64_t refusals_per_writer = 5;  // of a step without an acknowledgement: it will have none

std::int64_t now_microseconds() {
  return backup_engine::base::utc_now().time_since_epoch().count();
}

// Classes of SQLSTATE that a dying server sends before it hangs up: no word on the transaction's fate.
bool says_nothing_of_the_fate(const Error& error) {
  return error.kind() == ErrorKind::connection || error.sqlstate().starts_with("57P") ||
         error.sqlstate().starts_with("08") || error.sqlstate() == "40003";
}

// What the writers count, and the first few things that went wrong.
class Counts {
 public:
  void count(std::uint64_t LoadStatistics::*member) {
    const std::lock_guard lock(mutex_);
    ++(counted_.*member);
  }
  void connection_lost(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    ++counted_.connections_lost;
    keep(problem);
  }
  void problem(const std::string& text) {
    const std::lock_guard lock(mutex_);
    keep(text);
  }
  void acknowledged() {
    const std::lock_guard lock(mutex_);
    ++told_;
  }
  [[nodiscard]] std::uint64_t told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  [[nodiscard]] LoadStatistics now() const {
    const std::lock_guard lock(mutex_);
    return counted_;
  }

 private:
  void keep(const std::string& text) {
    counted_.last_problem = backup_engine::base::to_rfc3339(backup_engine::base::utc_now()) + " " + text;
    if (counted_.problems.size() < problems_kept) counted_.problems.push_back(counted_.last_problem);
  }

  mutable std::mutex mutex_;
  LoadStatistics counted_;
  std::uint64_t told_ = 0;  // acknowledgements heard, on disk or not
};

// One client: a connection, a sequence of transactions, and its part of the journal.
class Writer {
 public:
  Writer(const std::string& conninfo, std::uint32_t number, TransactionSequence sequence, LedgerJournal& journal,
         Counts& counts, std::int64_t first_number)
      : number_(number),
        sequence_(std::move(sequence)),
        next_(first_number),
        journal_(journal),
        counts_(counts),
        connection_(conninfo, fmt::format("lifeboat-load-{}", number)) {
    // A DROP … CASCADE needs many tables one after the other, and so does every digest. Whoever closes the circle finds
    // a deadlock, which may be either; writers find it first or stop waiting, so that it is they who give way.
    connection_.execute("SET deadlock_timeout = '100ms'; SET lock_timeout = '500ms'");
  }

  // One transaction. False when the connection is gone. Throws the journal's Error.
  bool run_one() {
    LedgerRecord attempt;
    attempt.id = ledger_id(number_, next_);
    attempt.writer = number_;
    const auto choice = sequence_.at(next_++);
    try {
      if (!prepare(choice, attempt)) {
        ++refused_in_a_row_;
        return true;
      }
      refused_in_a_row_ = 0;
    } catch (const Error& error) {
      if (!says_nothing_of_the_fate(error)) throw;
      lost("outside COMMIT", error);
      return false;
    }
    attempt.time_microseconds = now_microseconds();
    journal_.append(attempt);
    counts_.count(&LoadStatistics::attempted);
    return commit(attempt.id);
  }

  // Zero unless several transactions in a row were refused: where a table is gone that will not change by itself, so
  // the writer asks less and less often, but no less than every 64 ms.
  [[nodiscard]] std::chrono::milliseconds pause() const {
    if (refused_in_a_row_ <= refusals_without_pause) return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(1U << std::min(refused_in_a_row_ - refusals_without_pause - 1, 6U));
  }

  void cancel() {
    try {
      connection_.cancel();
    } catch (const Error& error) {
      counts_.problem(fmt::format("writer {}: {}", number_, error.what()));
    }
  }

 private:
  // All but COMMIT. False when PostgreSQL refused it with an ERROR and it was rolled back.
  bool prepare(const TransactionChoice& choice, LedgerRecord& attempt) {
    connection_.execute("BEGIN");
    try {
      const auto rows = connection_.query(
          "SELECT xid, digest FROM lifeboat.transact($1, $2, $3, $4)",
          {std::to_string(attempt.id), std::to_string(number_), choice.function, std::to_string(choice.seed)});
      attempt.xid = std::stoull(rows[0].at(0).value());
      attempt.digest = rows[0].at(1).value();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::server || says_nothing_of_the_fate(error)) throw;
      connection_.execute("ROLLBACK");
      counts_.count(&LoadStatistics::refused);
      counts_.problem(fmt::format("writer {}: {} refused: {}", number_, choice.function, error.what()));
      return false;
    }
    // What was said before must not be taken for the answer to COMMIT.
    static_cast<void>(connection_.take_warnings());
    return true;
  }

  bool commit(std::int64_t id) {
    try {
      connection_.execute("COMMIT");
    } catch (const Error& error) {
      if (says_nothing_of_the_fate(error)) {
        answer(id, LedgerEvent::unknown);
        counts_.count(&LoadStatistics::unknown);
        lost("at COMMIT", error);
        return false;
      }
      if (error.kind() != ErrorKind::server) throw;
      answer(id, LedgerEvent::aborted);
      counts_.count(&LoadStatistics::aborted);
      return true;
    }
    const auto warnings = connection_.take_warnings();
    if (warnings.empty()) {
      answer(id, LedgerEvent::acknowledged);
      counts_.acknowledged();
    } else {
      answer(id, LedgerEvent::unknown);
      counts_.count(&LoadStatistics::unknown);
      counts_.problem(fmt::format("writer {}: COMMIT answered with: {}", number_, warnings.front()));
    }
    return true;
  }

  void answer(std::int64_t id, LedgerEvent event) {
    LedgerRecord record;
    record.event = event;
    record.id = id;
    record.time_microseconds = now_microseconds();
    journal_.append(record);
  }

  void lost(std::string_view where, const Error& error) {
    counts_.connection_lost(fmt::format("writer {} lost its connection {}: {}", number_, where, error.what()));
  }

  std::uint32_t number_;
  TransactionSequence sequence_;
  std::int64_t next_;
  unsigned refused_in_a_row_ = 0;
  LedgerJournal& journal_;
  Counts& counts_;
  Connection connection_;
};

}  // namespace

struct Load::Impl {
  Impl(LedgerJournal& to, unsigned writer_count, std::optional<double> rate) : journal(to), gate(writer_count, rate) {}

  LedgerJournal& journal;
  Counts counts;
  WriterGate gate;
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::thread> threads;

  // A writer's thread; whatever ends it is recorded, never thrown.
  void work(Writer& writer) noexcept {
    try {
      while (gate.pass()) {
        if (!writer.run_one()) break;
        if (const auto pause = writer.pause(); pause.count() > 0) gate.pause(pause);
      }
    } catch (const Error& error) {
      gate.fail(error);
    } catch (const std::exception& defect) {
      gate.fail(Error(ErrorKind::internal, fmt::format("a writer of the load failed: {}", defect.what())));
    }
    gate.leave();
  }
};

Load::Load(const std::string& conninfo, const Dataset& dataset, const scenario::LoadProfile& profile,
           std::uint64_t seed, LedgerJournal& journal)
    : impl_(std::make_unique<Impl>(journal, profile.writers, profile.rate_per_second)) {
  if (profile.writers == 0 || profile.writers > ledger_ids_per_number) {
    throw Error(ErrorKind::usage, fmt::format("a load of {} writers was asked for", profile.writers))
        .with_remedy(fmt::format("set load: writers between 1 and {}", ledger_ids_per_number));
  }
  const auto there = backup_engine::postgres::with_keyword(conninfo, "dbname", dataset.load_database);
  const auto first_number = journal.highest_id() / ledger_ids_per_number + 1;
  for (std::uint32_t number = 0; number < profile.writers; ++number) {
    impl_->writers.push_back(std::make_unique<Writer>(
        there, number, TransactionSequence(dataset.transactions, seed, number), journal, impl_->counts, first_number));
  }
  for (auto& writer : impl_->writers) {
    impl_->threads.emplace_back([state = impl_.get(), &one = *writer] { state->work(one); });
  }
}

Load::~Load() {
  try {
    stop(Deadline::after(std::chrono::seconds(10)));
  } catch (const Error&) {
    // Whoever wants to know calls stop().
  }
  // A writer that even a cancel request did not free keeps the process from ending here, which is better than a
  // thread that works on freed memory.
  for (auto& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
}

void Load::resume() {
  impl_->gate.resume();
}

void Load::hold(const Deadline& deadline, const std::stop_token& stop) {
  impl_->gate.hold(deadline, stop);
}

void Load::run_for(scenario::Seconds duration, Afterwards afterwards, const std::stop_token& stop) {
  const auto told_before = impl_->counts.told();
  const auto refused_before = impl_->counts.now().refused;
  const auto undecided = [&] {
    return impl_->counts.told() == told_before &&
           impl_->counts.now().refused - refused_before < refusals_per_writer * impl_->writers.size() &&
           impl_->gate.inside() > 0;
  };
  impl_->gate.resume();
  const auto begun = Clock::now();
  impl_->gate.run_until(begun + std::chrono::duration_cast<Clock::duration>(duration), stop);
  // A step shorter than the first acknowledgement takes on a busy machine still is one of transactions.
  while (undecided() && duration.count() > 0 && Clock::now() - begun < patience_for_first_acknowledgement &&
         !stop.stop_requested()) {
    impl_->gate.run_until(Clock::now() + std::chrono::milliseconds(20), stop);
  }
  const auto seen = statistics();
  // The last one: the first may be an hour old, and have nothing to do with what is wrong now.
  const auto problem = seen.last_problem.empty() ? std::string("nothing went wrong") : seen.last_problem;
  if (seen.writers_running == 0) {
    throw Error(ErrorKind::connection, fmt::format("every writer of the load lost its connection; last: {}", problem))
        .with_remedy("look at the source server's log");
  }
  if (impl_->counts.told() == told_before && duration.count() > 0) {
    throw Error(ErrorKind::server,
                fmt::format("not one transaction of the load was acknowledged in {:.3g} s; last problem: {}",
                            std::chrono::duration<double>(Clock::now() - begun).count(), problem))
        .with_remedy(
            "a synchronous commit without its standby waits for ever; otherwise correct what PostgreSQL refused");
  }
  if (afterwards == Afterwards::hold) hold(Deadline::after(limit_to_hold), stop);
}

void Load::stop(const Deadline& deadline) {
  const auto patience = std::min<std::chrono::milliseconds>(deadline.remaining() / 2, std::chrono::seconds(5));
  impl_->gate.close();
  if (!impl_->gate.wait_until_empty(Clock::now() + patience)) {
    // Still in a statement: a lock, or a COMMIT that waits for a synchronous standby. Cancelled, the latter answers
    // with a warning and is journalled as unknown.
    backup_engine::base::poll_until(deadline, "the load's writers to end", [&]() -> std::optional<std::string> {
      if (impl_->gate.inside() == 0) return std::nullopt;
      for (auto& writer : impl_->writers) writer->cancel();
      return fmt::format("{} of {} still in a transaction", impl_->gate.inside(), impl_->writers.size());
    });
  }
  for (auto& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
  impl_->gate.throw_if_failed();
}

LoadStatistics Load::statistics() const {
  auto now = impl_->counts.now();
  now.acknowledged_durably = impl_->journal.durable_acknowledged();
  now.writers_running = impl_->gate.inside();
  return now;
}

}  // namespace harness::workload

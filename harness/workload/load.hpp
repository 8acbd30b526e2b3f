// The load: concurrent writers run a dataset's business transactions, each with a ledger row, and journal what they
// attempted and what they were told (docs/datasets.md). One Load lives through a drill, from the first load step to
// the disaster, which its writers survive quietly: what was in flight becomes unknown.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/workload/dataset.hpp"
#include "harness/workload/ledger_journal.hpp"

namespace harness::workload {

struct LoadStatistics {
  std::uint64_t attempted = 0;             // COMMIT was sent
  std::uint64_t acknowledged_durably = 0;  // answered ok, and on disk in the journal
  std::uint64_t aborted = 0;               // COMMIT answered with an ERROR
  std::uint64_t unknown = 0;               // FATAL, PANIC, connection lost at COMMIT, or a COMMIT with a warning
  std::uint64_t refused = 0;               // an ERROR before COMMIT: rolled back, no attempt
  unsigned writers_running = 0;
  unsigned connections_lost = 0;      // before a disaster this is worth a question
  std::vector<std::string> problems;  // the first few losses, refusals and warnings, with time and writer
  std::string last_problem;           // the latest, in the same form
};

enum class Afterwards { hold, keep_running };

class Load {
 public:
  // Connects all writers to the dataset's load database and leaves them held. `conninfo` is to any database of the
  // server; dataset and profile are copied, `journal` must outlive the load. Throws base::Error(connection | usage).
  Load(const std::string& conninfo, const Dataset& dataset, const scenario::LoadProfile& profile, std::uint64_t seed,
       LedgerJournal& journal);
  ~Load();  // stop() with a short limit, errors dropped
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void resume();  // returns at once
  // Parks every writer between two transactions and returns when all are: no transaction of the load is open then.
  // Throws base::Error(timed_out | interrupted), or the journal's error. Writers that ended count as parked.
  void hold(const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});
  // resume(), waits for `duration`, and up to ten seconds for a first acknowledgement (less once each writer was
  // refused some transactions), then holds (within a minute) or lets go on. Throws as hold(); Error(connection) when
  // every writer lost its connection meanwhile; Error(server) when not one transaction was acknowledged.
  void run_for(scenario::Seconds duration, Afterwards afterwards, const std::stop_token& stop = {});
  // Ends all writers after the transaction they are in; those still in one after half of the time have their
  // statement cancelled. Nothing is thrown for a server that is gone. Throws base::Error(timed_out), or the journal's
  // error.
  void stop(const backup_engine::base::Deadline& deadline);

  [[nodiscard]] LoadStatistics statistics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness::workload

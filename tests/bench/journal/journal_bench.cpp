// How many transactions a second the ledger journal carries: each writer appends an attempt and its acknowledgement,
// and only those that are on disk when the clock stops are counted.
#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "backup_engine/base/temporary_directory.hpp"
#include "harness/workload/ledger_journal.hpp"

namespace {

using backup_engine::base::Deadline;
using backup_engine::base::TemporaryDirectory;
using harness::workload::LedgerJournal;
using reports::record::LedgerEvent;
using reports::record::LedgerRecord;

constexpr std::int64_t transactions_per_round = 1000;  // of one writer

enum class Waiting { at_the_end, after_each };

void one_writer(LedgerJournal& journal, std::uint32_t writer, std::int64_t first, Waiting waiting) {
  LedgerRecord record;
  record.writer = writer;
  record.xid = 123456789;
  for (std::int64_t n = first; n < first + transactions_per_round; ++n) {
    record.event = LedgerEvent::attempt;
    record.id = n * 4096 + writer;
    record.time_microseconds = 1795140907250113 + n;
    record.digest.assign(64, 'a');
    journal.append(record);
    record.event = LedgerEvent::acknowledged;
    journal.append(record);
    if (waiting == Waiting::after_each) journal.wait_durable(Deadline::after(std::chrono::minutes(1)));
  }
}

void run(benchmark::State& state, Waiting waiting) {
  const TemporaryDirectory directory("/var/tmp", "lifeboat-bench-journal");
  LedgerJournal journal(directory.path() / "ledger.log");
  std::int64_t first = 1;
  for (auto _ : state) {
    std::vector<std::jthread> writers;
    for (std::uint32_t writer = 0; writer < state.range(0); ++writer) {
      writers.emplace_back([&, writer] { one_writer(journal, writer, first, waiting); });
    }
    writers.clear();  // joins
    journal.wait_durable(Deadline::after(std::chrono::minutes(1)));
    first += transactions_per_round;
  }
  state.counters["acknowledged/s"] =
      benchmark::Counter(static_cast<double>(journal.durable_acknowledged()), benchmark::Counter::kIsRate);
  journal.close();
}

// As the load does: writers go on while the journal syncs behind them.
void journal_behind_the_load(benchmark::State& state) {
  run(state, Waiting::at_the_end);
}
BENCHMARK(journal_behind_the_load)->Arg(1)->Arg(4)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

// Every writer waits until its own acknowledgement is on disk: the worst that group sync can be asked.
void journal_waited_for_each_time(benchmark::State& state) {
  run(state, Waiting::after_each);
}
BENCHMARK(journal_waited_for_each_time)->Arg(1)->Arg(4)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

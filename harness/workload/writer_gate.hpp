// Where writers pass between two transactions: the one place that holds them, paces them and lets them go.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"

namespace harness::workload {

// Thread-safe. Starts held, with `writers` inside.
class WriterGate {
 public:
  using Clock = backup_engine::base::Deadline::Clock;
  WriterGate(unsigned writers, std::optional<double> rate_per_second) : rate_(rate_per_second), inside_(writers) {}

  // A writer asks for its next transaction: blocks while held and until its turn by the rate; false once closed.
  bool pass();
  // Keeps a writer for `duration`, or until the gate is held or closed.
  void pause(Clock::duration duration);
  void leave();  // a writer ended, whatever the reason

  void resume();
  // Blocks until every writer still inside waits at the gate. Throws Error(timed_out | interrupted) or the failure.
  void hold(const backup_engine::base::Deadline& deadline, const std::stop_token& stop);
  // Blocks until `instant`, or until no writer is left. Throws Error(interrupted) or the failure.
  void run_until(Clock::time_point instant, const std::stop_token& stop);
  void close();                                      // pass() answers false from now on
  bool wait_until_empty(Clock::time_point instant);  // true when every writer left

  void fail(const backup_engine::base::Error& error);  // the first one is kept; closes the gate
  void throw_if_failed() const;
  [[nodiscard]] unsigned inside() const;

 private:
  [[nodiscard]] bool wait_for_turn(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable_any opened_, changed_;
  const std::optional<double> rate_;
  bool held_ = true, closed_ = false;
  unsigned inside_, parked_ = 0;
  Clock::time_point next_turn_{};
  std::optional<backup_engine::base::Error> failure_;
};

}  // namespace harness::workload

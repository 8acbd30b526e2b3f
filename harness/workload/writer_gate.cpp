#include "harness/workload/writer_gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace harness::workload {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

// False when the gate was closed or held before the turn came. A missed turn is not made up for, so that no burst
// follows a stall.
bool WriterGate::wait_for_turn(std::unique_lock<std::mutex>& lock) {
  const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / *rate_));
  const auto turn = std::max(next_turn_, Clock::now());
  next_turn_ = turn + interval;
  return !opened_.wait_until(lock, turn, [&] { return closed_ || held_; });
}

bool WriterGate::pass() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) return false;
    if (held_) {
      ++parked_;
      changed_.notify_all();
      opened_.wait(lock, [&] { return closed_ || !held_; });
      --parked_;
      continue;
    }
    if (!rate_ || wait_for_turn(lock)) return true;
  }
}

void WriterGate::pause(Clock::duration duration) {
  std::unique_lock lock(mutex_);
  opened_.wait_for(lock, duration, [&] { return closed_ || held_; });
}

void WriterGate::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  changed_.notify_all();
}

void WriterGate::resume() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  next_turn_ = Clock::now();
  opened_.notify_all();
}

void WriterGate::hold(const Deadline& deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  held_ = true;
  opened_.notify_all();  // those who wait for their turn come to park
  const auto all_parked =
      changed_.wait_for(lock, stop, deadline.remaining(), [&] { return failure_ || parked_ == inside_; });
  if (failure_) throw Error(*failure_);
  if (all_parked) return;
  if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while the load's writers were held");
  throw Error(ErrorKind::timed_out, fmt::format("gave up holding the load: {} of {} writers are still in a transaction",
                                                inside_ - parked_, inside_))
      .with_remedy("look for a lock that is not given up, or a synchronous commit whose standby is gone");
}

void WriterGate::run_until(Clock::time_point instant, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, instant, [&] { return failure_ || inside_ == 0; });
  if (failure_) throw Error(*failure_);
  if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while the load ran");
}

void WriterGate::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  opened_.notify_all();
}

bool WriterGate::wait_until_empty(Clock::time_point instant) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, instant, [&] { return inside_ == 0; });
}

void WriterGate::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = error;
  closed_ = true;
  opened_.notify_all();
  changed_.notify_all();
}

void WriterGate::throw_if_failed() const {
  const std::lock_guard lock(mutex_);
  if (failure_) throw Error(*failure_);
}

unsigned WriterGate::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

}  // namespace harness::workload

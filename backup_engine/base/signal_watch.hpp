// Turns SIGINT and SIGTERM into a stop request. Make one at the top of main, before any thread starts: it blocks
// both signals in the calling thread, and every later thread inherits that.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include "backup_engine/base/file.hpp"

namespace backup_engine::base {

class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // The first signal that arrived, 0 when none did.
  [[nodiscard]] int received() const { return received_; }

 private:
  void watch();

  std::stop_source source_;
  std::atomic<int> received_ = 0;
  UniqueFd signals_;
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace backup_engine::base

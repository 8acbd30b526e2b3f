// Somebody on 127.0.0.1 whom a server may call: counts who connects, and hangs up on them.
#pragma once

#include <mutex>
#include <thread>

#include "backup_engine/base/file.hpp"

namespace harness {

class CountingListener {
 public:
  CountingListener();
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int count();  // since it was made or forgot
  void forget();

 private:
  void hang_up_on_whoever_waits();

  backup_engine::base::UniqueFd fd_;
  int port_ = 0, count_ = 0;
  std::mutex mutex_;
  std::jthread thread_;  // ends before what it uses
};

// A port of 127.0.0.1 that is free, and that no client is given by chance.
[[nodiscard]] int free_port();
[[nodiscard]] bool somebody_listens(int port);

}  // namespace harness

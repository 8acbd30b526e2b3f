// A client whose commits a test counts: what was acknowledged must be there, whatever ends.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/postgres/connection.hpp"

namespace tests {

// Inserts 1, 2, 3, … into the column id of the table kept, each in its own transaction, until the server goes.
class Inserter {
 public:
  explicit Inserter(const std::string& conninfo)
      : thread_([this, conninfo](const std::stop_token& stop) { insert(conninfo, stop); }) {}

  [[nodiscard]] int acknowledged() const { return acknowledged_; }
  void wait_for_more(int commits) const {
    const int wanted = acknowledged_ + commits;
    backup_engine::base::poll_until(
        backup_engine::base::Deadline::after(std::chrono::minutes(5)), "commits to be acknowledged",
        [&] { return acknowledged_ >= wanted ? std::nullopt : std::optional(std::to_string(acknowledged_)); });
  }
  // Once the server has gone: how many it had acknowledged.
  int end() {
    thread_.join();
    return acknowledged_;
  }

 private:
  void insert(const std::string& conninfo, const std::stop_token& stop) {
    try {
      backup_engine::postgres::Connection connection(conninfo, "inserter");
      while (!stop.stop_requested()) {
        connection.execute("INSERT INTO kept SELECT " + std::to_string(acknowledged_ + 1));
        ++acknowledged_;
      }
    } catch (const std::exception&) {
      // The server was killed.
    }
  }

  std::atomic<int> acknowledged_ = 0;
  std::jthread thread_;
};

// The rows of the table kept that were acknowledged.
inline std::string count_of_acknowledged(int acknowledged) {
  return "SELECT count(*) FROM kept WHERE id <= " + std::to_string(acknowledged);
}

}  // namespace tests

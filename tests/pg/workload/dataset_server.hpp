// A server of its own with a dataset in it, and the questions that the workload's tests ask it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"
#include "harness/workload/dataset.hpp"
#include "harness/workload/load.hpp"

namespace harness::workload {

[[nodiscard]] inline backup_engine::base::Deadline soon() {
  return backup_engine::base::Deadline::after(std::chrono::minutes(5));
}

class DatasetServer {
 public:
  explicit DatasetServer(const std::string& dataset);  // scale 1, seed 42

  void start();   // again, after a kill
  void reload();  // the databases made anew, with the same seed

  [[nodiscard]] server::Server& server() { return *server_; }
  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] std::filesystem::path work_directory() const { return directory_.path(); }
  [[nodiscard]] std::filesystem::path data_directory() const { return directory_.path() / "data"; }
  [[nodiscard]] backup_engine::postgres::Connection connect() const { return server_->connect(dataset_.load_database); }
  [[nodiscard]] std::string ask(const std::string& sql) const { return connect().query(sql).single(); }
  [[nodiscard]] std::string conninfo() const { return server_->conninfo(); }
  // The ids in the ledger table, with how often each is there.
  [[nodiscard]] std::map<std::int64_t, int> ledger_ids() const;
  // One digest over every row of every ordinary table of the load's database.
  [[nodiscard]] std::string content() const;

 private:
  std::optional<process::OsUser> user_;
  server::OwnedDirectory directory_;
  server::Installation installation_;
  Dataset dataset_;
  std::optional<server::Server> server_;
};

// Name and text of each statement of fixtures/checks/NAME.sql, in order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> rules_of(const std::string& name);

// The rules that do not hold, with the first violation.
[[nodiscard]] std::vector<std::string> broken_rules(backup_engine::postgres::Connection& connection,
                                                    const std::string& name);

// Unlimited, with so many writers.
[[nodiscard]] scenario::LoadProfile profile_of(unsigned writers);

}  // namespace harness::workload

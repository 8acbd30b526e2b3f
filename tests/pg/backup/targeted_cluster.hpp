// A backed-up cluster with one table of numbered rows, each committed by a transaction whose id, time and record are
// known from PostgreSQL: for the tests of recovery targets.
#pragma once

#include <map>
#include <string>

#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {

class TargetedCluster : public BackedUpCluster {
 protected:
  struct Row {
    std::string xid, time, record;  // of the transaction that wrote it; `record`: where its commit record starts
  };

  // The source with table t, receiving WAL.
  void start(std::map<std::string, std::string> settings = {});
  // The restored directory becomes the source, on a timeline of its own.
  void go_on_with_restored();
  void insert(int row);  // in a transaction of its own, and takes down what became of it
  void insert_in(postgres::Connection& session, int row);
  void commit(postgres::Connection& session, int row);
  void look_up(int row);                               // once it is committed
  std::string restore_point(const std::string& name);  // where its record starts

  // The rows, "1,2,3", of a server recovered to this target; last_ is what the restore said. Everything is removed.
  std::string rows_at(const RecoveryTarget& target, const std::string& backup_label = "");
  // The error's whole text; nothing was written.
  std::string refusal(const RecoveryTarget& target, const std::string& backup_label = "");

  std::map<int, Row> rows_;
  RestoreResult last_;

 private:
  std::string record_of(const std::string& condition);
  std::string first_position_;
};

}  // namespace backup_engine

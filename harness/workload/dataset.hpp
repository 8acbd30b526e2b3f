// A dataset: what a source is filled with, and the transactions that its load runs (docs/datasets.md). Its manifest is
// fixtures/datasets/NAME/dataset.yaml; the same dataset, scale and seed give the same rows everywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "harness/server/installation.hpp"

namespace harness::workload {

enum class TableProgram { none, pgbench };

struct DatasetDatabase {
  std::string name;
  TableProgram program = TableProgram::none;     // runs before the files
  std::vector<std::filesystem::path> sql_files;  // absolute, in the order in which they are applied
};

// One kind of business transaction: a function schema.name(seed bigint), drawn in proportion to its weight.
struct BusinessTransaction {
  std::string function;
  unsigned weight = 1;
  bool operator==(const BusinessTransaction&) const = default;
};

struct Dataset {
  std::string name, about;
  std::vector<DatasetDatabase> databases;  // in the order in which they are made
  std::string load_database;               // where the load writes and the ledger lies
  std::vector<BusinessTransaction> transactions;
};

// Throws base::Error(not_found | usage) naming the manifest, and the key or file that is wrong. `fixtures` is the
// folder that holds datasets/.
[[nodiscard]] Dataset read_dataset(const std::filesystem::path& fixtures, const std::string& name);

// Creates the dataset's databases, which must not exist, and fills them. `conninfo` is a superuser's, to any database.
// `installation` supplies pgbench where the dataset wants it. Blocks until done; a deadline or a stop request ends it
// between two files. Throws base::Error (server, connection, process, timed_out, interrupted) naming the file.
void load_dataset(const Dataset& dataset, const std::string& conninfo, const server::Installation& installation,
                  int scale, std::uint64_t seed, const backup_engine::base::Deadline& deadline,
                  const std::stop_token& stop = {});

}  // namespace harness::workload

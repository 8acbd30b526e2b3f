// The bench on which every check is proven: one source with ecommerce, a ledger and a mark; a base backup of it; and a
// private copy of that backup for each sabotage, recovered by PostgreSQL and examined by the real probes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"
#include "harness/verify/judge.hpp"
#include "reports/record/report.hpp"

namespace harness {

using scenario::CheckKind;

// Which sabotages exist for a check; filled before main by SABOTAGE.
[[nodiscard]] std::multimap<CheckKind, std::string>& twins();
bool add_twin(CheckKind kind, const char* name);

// A row's place on disk, the same in every copy.
struct RowPlace {
  std::string file;  // below the data directory
  std::uint32_t block = 0;
  std::uint16_t line_pointer = 0;
};

class Bench {
 public:
  static Bench& shared();  // made at first use, removed by finish()
  static void finish();

  // A copy of the backup; what a sabotage does to it comes before and after its first start.
  struct Sabotage {
    std::function<void(const std::filesystem::path& data_directory)> on_disk;
    std::function<void(backup_engine::postgres::Connection& connection)> in_database;
  };
  [[nodiscard]] verify::Records examine(std::initializer_list<CheckKind> kinds, const Sabotage& sabotage);
  // A partial restore of shop.orders as a sabotaged one would have left it: what `restore` does to a copy is judged
  // against the mark, and everything else against what was there before.
  [[nodiscard]] verify::Records examine_partial(
      const std::function<void(backup_engine::postgres::Connection&)>& restore);
  // A cluster that was put back, as if `meanwhile` had happened to it while it was set aside.
  [[nodiscard]] reports::record::Evidence examine_roll_back(
      const std::function<void(backup_engine::postgres::Connection&)>& meanwhile);
  // A copy of the backup, recovered and promoted.
  void on_copy(const std::function<void(const server::Server&)>& work);
  [[nodiscard]] RowPlace place_of(const std::string& table, const std::string& where);
  [[nodiscard]] const std::vector<reports::record::LedgerTransaction>& ledger() const { return ledger_; }

  Bench();

 private:
  void fill_source();
  void run_transactions(int count);
  [[nodiscard]] std::filesystem::path copy_backup();
  void recover(const std::filesystem::path& directory, const std::function<void(const server::Server&)>& work);
  void probe_directory(const std::filesystem::path& directory, const std::vector<CheckKind>& kinds,
                       verify::Records& records);
  void probe_server(const server::Server& server, const std::vector<CheckKind>& kinds, verify::Records& records);

  std::optional<process::OsUser> user_;
  server::OwnedDirectory directory_;
  server::Installation installation_;
  std::optional<server::Server> source_;
  std::vector<reports::record::LedgerTransaction> ledger_;
  reports::record::Mark mark_;
  int copies_ = 0;
};

// The partial restore that examine_partial stands for.
[[nodiscard]] scenario::PartialRestore one_table();
[[nodiscard]] scenario::CheckRequest request_for(CheckKind kind);
[[nodiscard]] reports::record::Check judged(CheckKind kind, const verify::Records& records);
[[nodiscard]] reports::record::Exactness exactness(const verify::Records& records);

// The check fails, and one of its findings names `object` with `key` or text that holds `words`.
void expect_named(const reports::record::Check& check, const std::string& object, const std::string& words);

}  // namespace harness

#define SABOTAGE(check, name)                                                          \
  static const bool twin_##name = harness::add_twin(harness::CheckKind::check, #name); \
  TEST(Sabotage, name)

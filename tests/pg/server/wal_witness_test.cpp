#include "harness/server/wal_witness.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using testing::HasSubstr;
using testing::Not;

class WalWitnessTest : public DisposableCluster {
 protected:
  WalWitnessOptions witness_options() const {
    return {.directory = directory_.path() / "witness", .log_file = directory_.path() / "witness.log"};
  }

  // What PostgreSQL's own pg_waldump reads from the first to the last segment.
  std::string dumped(const std::vector<std::string>& segments) const {
    process::Command command;
    command.program = require_program(options().installation, "pg_waldump");
    command.arguments = {"--path=" + witness_options().directory.string(), "--rmgr=Transaction", segments.front(),
                         segments.back()};
    return process::run(command, soon()).output;
  }
};

TEST_F(WalWitnessTest, HoldsEveryCommitUpToTheKill) {
  const auto wanted = options();
  auto server = started(wanted);
  auto witness = WalWitness::start(server, witness_options(), soon());
  auto connection = server.connect();
  connection.execute("CREATE TABLE t (x int)");
  std::vector<std::string> xids;
  for (int segment = 0; segment < 3; ++segment) {
    connection.execute("SELECT pg_switch_wal()");
    xids.push_back(connection.query("INSERT INTO t VALUES (1) RETURNING pg_current_xact_id()::text").single());
  }
  xids.push_back(connection.query("INSERT INTO t VALUES (2) RETURNING pg_current_xact_id()::text").single());
  server.kill();
  witness.stop(soon());
  const auto segments = complete_witness(witness.directory(), wanted.data_directory / "pg_wal");

  ASSERT_GE(segments.size(), 4U);
  const auto text = dumped(segments);
  for (const auto& xid : xids) EXPECT_THAT(text, HasSubstr("tx: " + std::string(10 - xid.size(), ' ') + xid)) << text;
  for (const auto& entry : fs::directory_iterator(witness.directory())) {
    EXPECT_NE(entry.path().extension(), ".partial");
  }
}

TEST_F(WalWitnessTest, LeavesRecycledSegmentsOut) {
  const auto wanted = options();
  auto server = started(wanted);
  auto witness = WalWitness::start(server, witness_options(), soon());
  auto connection = server.connect();
  const auto name = connection.query("SELECT pg_walfile_name(pg_current_wal_lsn())").single();
  server.kill();
  witness.stop(soon());
  // As PostgreSQL does it: an old segment under a later name.
  const auto later = std::string("0000000100000000000000F0");
  fs::copy_file(wanted.data_directory / "pg_wal" / name, wanted.data_directory / "pg_wal" / later);
  const auto segments = complete_witness(witness.directory(), wanted.data_directory / "pg_wal");
  EXPECT_THAT(segments, testing::Contains(name));
  EXPECT_THAT(segments, Not(testing::Contains(later)));
}

TEST_F(WalWitnessTest, TellsWhyItCouldNotStart) {
  auto server = started(options());
  auto wanted = witness_options();
  wanted.slot = "NOT A SLOT";
  try {
    (void)WalWitness::start(server, wanted, soon());
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_THAT(error.log_tail(), HasSubstr("NOT A SLOT"));
  }
}

TEST_F(WalWitnessTest, WantsAnEmptyDirectory) {
  auto server = started(options());
  fs::create_directory(witness_options().directory);
  std::ofstream(witness_options().directory / "precious") << "keep me";
  EXPECT_THROW((void)WalWitness::start(server, witness_options(), soon()), Error);
}

}  // namespace
}  // namespace harness::server

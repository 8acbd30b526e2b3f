#include "backup_engine/wal/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backup_engine/wal/check_server.hpp"

namespace backup_engine::wal {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Readiness ready() {
  Readiness server;
  server.major = 15;
  server.role = "backup";
  server.wal_level = "replica";
  server.max_wal_senders = 10;
  server.data_checksums = true;
  server.may_replicate = true;
  return server;
}

TEST(JudgeReadiness, AServerThatCanBeBackedUpIsFine) {
  EXPECT_THAT(judge_readiness(ready()), IsEmpty());
}

TEST(JudgeReadiness, EachLackIsOneLineWithARemedy) {
  struct Lack {
    std::function<void(Readiness&)> make;
    WalSeverity severity;
    std::string text, remedy;
  };
  const std::vector<Lack> lacks = {
      {[](auto& s) { s.major = 14; }, WalSeverity::problem, "PostgreSQL 14", "15 to 18"},
      {[](auto& s) { s.wal_level = "minimal"; }, WalSeverity::problem, "wal_level is minimal", "wal_level = replica"},
      {[](auto& s) { s.max_wal_senders = 0; }, WalSeverity::problem, "max_wal_senders is 0", "max_wal_senders = 10"},
      {[](auto& s) { s.may_replicate = false; }, WalSeverity::problem, "\"backup\" has no REPLICATION",
       "ALTER ROLE \"backup\" REPLICATION"},
      {[](auto& s) { s.refused = "no pg_hba.conf entry"; }, WalSeverity::problem, "no pg_hba.conf entry",
       "database \"replication\""},
      {[](auto& s) { s.data_checksums = false; }, WalSeverity::warning, "checksums are off", "pg_checksums --enable"},
  };
  for (const auto& lack : lacks) {
    auto server = ready();
    lack.make(server);
    const auto findings = judge_readiness(server);
    ASSERT_THAT(findings, SizeIs(1)) << lack.text;
    EXPECT_EQ(findings[0].severity, lack.severity);
    EXPECT_THAT(findings[0].text, HasSubstr(lack.text));
    EXPECT_THAT(findings[0].remedy, HasSubstr(lack.remedy));
  }
}

TEST(JudgeServer, SaysWhyNothingIsArchived) {
  ServerWal server;
  server.max_slot_wal_keep_size = "1GB";
  server.archive_mode = "off";
  EXPECT_THAT(judge_server(server).at(0).text, HasSubstr("archive_mode is off"));
  server.archive_mode = "on";
  EXPECT_THAT(judge_server(server).at(0).text, HasSubstr("archive_command is empty"));
}

}  // namespace
}  // namespace backup_engine::wal

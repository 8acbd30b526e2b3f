// A database that is made while a backup is taken: told of where its files are copied, which recovery does anew, and
// not where its pages go into the WAL.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <mutex>

#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;

class DatabasesMadeMeanwhile : public BackedUpCluster {
 protected:
  void SetUp() override {
    start_source();
    receive_wal();
    run("CREATE DATABASE pattern");
    source_->connect("pattern").execute("CREATE TABLE t AS SELECT generate_series(1, 1000) i");
  }

  // While files are copied `sql` is executed; the rate leaves time for it.
  BackupResult back_up_during(const std::vector<std::string>& sql) {
    auto request = backup_request();
    request.max_bytes_per_second = 20'000'000;
    std::once_flag once;
    request.on_held_back = [&](std::chrono::nanoseconds) {
      std::call_once(once, [&] {
        for (const auto& each : sql) run(each);
        source_->connect("pattern").execute("UPDATE t SET i = -i");
      });
    };
    base::NoProgress progress;
    return take_backup(request, progress);
  }
  std::uint32_t oid_of(const std::string& name) {
    return static_cast<std::uint32_t>(std::stoul(ask("SELECT oid FROM pg_database WHERE datname = '" + name + "'")));
  }
  auto is_copy(const std::string& name) {
    return AllOf(Field(&CopiedDatabase::oid, oid_of(name)), Field(&CopiedDatabase::name, name),
                 Field(&CopiedDatabase::from_oid, oid_of("pattern")), Field(&CopiedDatabase::from_name, "pattern"));
  }
  [[nodiscard]] VerifyResult verify() const {
    base::NoProgress progress;
    return verify_repository({{repository().string()}, {}, {}, 2}, progress);
  }
};

TEST_F(DatabasesMadeMeanwhile, AreToldOfWhereTheirFilesAreCopied) {
  run("CREATE DATABASE before TEMPLATE pattern STRATEGY file_copy");
  const auto by_files = back_up_during({"CREATE DATABASE copied TEMPLATE pattern STRATEGY file_copy",
                                        "CREATE DATABASE logged TEMPLATE pattern STRATEGY wal_log"});
  EXPECT_THAT(by_files.copied_databases, Optional(ElementsAre(is_copy("copied"))));
  run("CREATE DATABASE between TEMPLATE pattern STRATEGY file_copy");
  streaming_ = true;
  const auto by_stream = back_up_during({"CREATE DATABASE streamed TEMPLATE pattern STRATEGY file_copy"});
  EXPECT_THAT(by_stream.copied_databases, Optional(ElementsAre(is_copy("streamed"))));

  const auto listed = list_copied_databases({repository().string()}, "main");
  EXPECT_THAT(listed.at(by_files.summary.label), Optional(ElementsAre(is_copy("copied"))));
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  ASSERT_EQ(result.backups.size(), 2U);
  for (const auto& backup : result.backups) EXPECT_TRUE(backup.restorable) << "nothing is known to be damaged";
  EXPECT_THAT(result.backups[0].copied_databases, ElementsAre(is_copy("copied")));
  EXPECT_THAT(result.backups[1].copied_databases, ElementsAre(is_copy("streamed")));

  wait_for_all_wal();
  lose_source();
  auto request = restore_request();
  request.backup_label = by_files.summary.label;
  const auto restored = restore(request);
  EXPECT_THAT(restored.notes, Contains(AllOf(HasSubstr("\"copied\""), HasSubstr("pg_amcheck"))));
  EXPECT_THAT(restored.notes, Not(Contains(HasSubstr("\"streamed\"")))) << "its copy is made of what is consistent";
}

TEST_F(DatabasesMadeMeanwhile, AreNotWhereTheirPagesGoIntoTheWal) {
  const auto taken = back_up_during({"CREATE DATABASE logged TEMPLATE pattern STRATEGY wal_log"});
  EXPECT_THAT(taken.copied_databases, Optional(IsEmpty()));
  EXPECT_THAT(verify().backups.at(0).copied_databases, IsEmpty());
  lose_source();
  for (const auto& note : restore(restore_request()).notes) EXPECT_THAT(note, Not(HasSubstr("caveat")));
}

}  // namespace
}  // namespace backup_engine

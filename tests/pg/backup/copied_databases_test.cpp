// A database that is made or moved while a backup is taken: told of where its files are copied, which recovery does
// anew, and not where its pages go into the WAL; refused where what they were copied from is gone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <mutex>

#include "backup_engine/base/error.hpp"
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
using testing::SizeIs;

class DatabasesMadeMeanwhile : public BackedUpCluster {
 protected:
  void SetUp() override {
    start_source();
    receive_wal();
    run("CREATE DATABASE pattern");
    source_->connect("pattern").execute("CREATE TABLE t AS SELECT generate_series(1, 1000) i");
  }

  // While files are copied `sql` is executed. What reads files waits for that; a stream waits a little with each piece,
  // for the server goes on only while it can send.
  BackupResult back_up_during(const std::vector<std::string>& sql) {
    auto request = backup_request();
    request.max_bytes_per_second = 10'000'000;  // less than a busy machine reads
    std::once_flag once;
    std::shared_future<void> changes;
    request.on_held_back = [&](std::chrono::nanoseconds) {
      std::call_once(once, [&] {
        changes = std::async(std::launch::async, [&] {
          for (const auto& each : sql) run(each);
          source_->connect("pattern").execute("UPDATE t SET i = -i");
        });
      });
      if (streaming_) {
        changes.wait_for(std::chrono::milliseconds(100));
      } else {
        changes.wait();
      }
    };
    base::NoProgress progress;
    auto result = take_backup(request, progress);
    if (changes.valid()) changes.get();
    return result;
  }
  std::string refusal_during(const std::vector<std::string>& sql) {
    try {
      static_cast<void>(back_up_during(sql));
      ADD_FAILURE() << "published a backup without what " << sql.front() << " copied";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::io) << describe(error);
      EXPECT_THAT(error.remedy(), HasSubstr("take the backup again"));
      return error.what();
    }
    return "";
  }
  std::filesystem::path make_space(const std::string& name) {
    auto space = directory_.path() / name;
    std::filesystem::create_directory(space);
    if (user_) {
      EXPECT_EQ(::chown(space.c_str(), user_->uid, user_->gid), 0);
    }
    return space;
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

// What recovery would copy was removed before it was read, or after: only an earlier backup is sure to bring it back.
TEST_F(DatabasesMadeMeanwhile, AreNeverLostWithWhatTheyWereCopiedFrom) {
  run("CREATE TABLESPACE far LOCATION '" + make_space("space").string() + "'");
  const auto earlier = back_up().summary.label;
  EXPECT_THAT(refusal_during({"ALTER DATABASE pattern SET TABLESPACE far"}),
              AllOf(HasSubstr("\"pattern\" (OID"), HasSubstr("was moved while"), HasSubstr("not kept")));
  streaming_ = true;
  EXPECT_THAT(refusal_during({"CREATE DATABASE fresh TEMPLATE pattern STRATEGY file_copy", "DROP DATABASE pattern",
                              "ALTER DATABASE fresh RENAME TO pattern"}),
              AllOf(HasSubstr("\"pattern\" (OID"), HasSubstr("by copying the files of the database with OID")));
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.backups, SizeIs(1)) << "what is refused leaves nothing";

  wait_for_all_wal();
  lose_source();
  auto request = restore_request();
  request.other_tablespaces = make_space("again");
  EXPECT_EQ(restore(request).backup_label, earlier);
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect("pattern").query("SELECT count(*) || ' ' || sum(i) FROM t").single(), "1000 500500");
}

}  // namespace
}  // namespace backup_engine

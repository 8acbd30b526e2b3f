// A server that ran with wal_level = minimal for a while: its WAL is held without a gap, and PostgreSQL recovers
// nothing past where that began.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using harness::server::soon;
using harness::server::StopMode;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MinimalWal : public BackedUpCluster {
 protected:
  void restart(const std::map<std::string, std::string>& settings) {
    source_->stop(StopMode::fast, soon());
    auto wanted = options();
    wanted.settings = settings;
    source_.emplace(started(wanted));
  }
  void write_with_minimal_wal() {
    wait_for_all_wal();
    stop_receiving();
    base::poll_until(soon(), "the receiver's session to end", [&]() -> std::optional<std::string> {
      return ask("SELECT active FROM pg_replication_slots") == "f" ? std::nullopt
                                                                   : std::optional<std::string>("active");
    });
    run("SELECT pg_drop_replication_slot('lifeboat')");
    restart({{"wal_level", "minimal"}, {"max_wal_senders", "0"}, {"archive_mode", "off"}, {"wal_keep_size", "1GB"}});
    run("INSERT INTO t VALUES ('minimal')");
    restart({{"wal_keep_size", "1GB"}});
    receive_wal();
    run("INSERT INTO t VALUES ('behind')");
    wait_for_all_wal();
  }
  [[nodiscard]] VerifyResult verify() const {
    base::NoProgress progress;
    return verify_repository({{repository().string()}, {}, {}, 2}, progress);
  }
  [[nodiscard]] RestoreRequest request_to(TargetKind kind, const std::string& value) const {
    auto request = restore_request();
    request.target.kind = kind;
    request.target.value = value;
    return request;
  }
  void expect_refused(const RestoreRequest& request, ErrorKind kind) {
    base::NoProgress progress;
    try {
      static_cast<void>(restore_backup(request, progress));
      ADD_FAILURE() << "was restored";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_THAT(describe(error), HasSubstr("the server was started with wal_level = minimal"));
    }
    EXPECT_FALSE(fs::exists(restored()));
  }
  std::string restored_rows(const RestoreRequest& request) {
    restore(request);
    auto server = start_restored();
    wait_until_promoted(server);
    auto rows = server.connect().query("SELECT string_agg(word, ' ' ORDER BY word) FROM t").single();
    server.stop(StopMode::fast, soon());
    fs::remove_all(restored());
    return rows;
  }
};

TEST_F(MinimalWal, EndsWhatABackupFromBeforeItReaches) {
  start_source();
  receive_wal();
  run("CREATE TABLE t (word text)");
  const auto before = back_up();
  run("INSERT INTO t VALUES ('ahead')");
  write_with_minimal_wal();
  const auto now = ask("SELECT pg_current_wal_insert_lsn()");
  run("INSERT INTO t VALUES ('last')");
  wait_for_all_wal();

  auto result = verify();
  ASSERT_THAT(result.backups, SizeIs(1));
  EXPECT_TRUE(result.backups[0].restorable) << result.backups[0].reason;
  ASSERT_THAT(result.backups[0].spans, SizeIs(1));
  EXPECT_TRUE(result.backups[0].spans[0].ends_in_minimal);
  const auto minimal = result.backups[0].spans[0].latest;
  ASSERT_THAT(result.damage, SizeIs(1)) << "held without a gap, and of no use to any backup";
  EXPECT_THAT(result.damage[0].text, AllOf(HasSubstr(to_string(minimal)), HasSubstr("take a new backup")));
  expect_refused(restore_request(), ErrorKind::corrupt);
  expect_refused(request_to(TargetKind::lsn, now), ErrorKind::not_found);
  expect_refused(request_to(TargetKind::lsn, to_string(minimal)), ErrorKind::not_found);

  auto up_to_it = request_to(TargetKind::lsn, to_string(minimal));
  up_to_it.target.inclusive = false;
  EXPECT_EQ(restored_rows(up_to_it), "ahead") << "everything before it";

  const auto behind = back_up();
  run("INSERT INTO t VALUES ('since')");
  lose_source();
  result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  ASSERT_THAT(result.backups, SizeIs(2));
  EXPECT_EQ(result.backups[0].spans.at(0).latest, minimal);
  EXPECT_FALSE(result.backups[1].spans.at(0).ends_in_minimal);
  auto from_before = restore_request();
  from_before.backup_label = before.summary.label;
  expect_refused(from_before, ErrorKind::corrupt);
  EXPECT_EQ(restored_rows(restore_request()), "ahead behind last minimal since");
}

}  // namespace
}  // namespace backup_engine

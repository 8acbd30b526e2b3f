// Expire on real servers' backups: what stays restores, and a host that sleeps through its revocation breaks nothing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/expire.hpp"
#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Expire : public BackedUpCluster {
 protected:
  ExpireResult expire(const RetentionRules& rules) {
    ExpireRequest request;
    request.repository = {repository().string()};
    request.cluster = "main";
    request.rules = rules;
    return expire_backups(request).at(0);
  }
  [[nodiscard]] std::vector<std::string> labels() const {
    std::vector<std::string> found;
    const auto clusters = list_repository({repository().string()});
    for (const auto& backup : clusters.at(0).backups) found.push_back(backup.label);
    return found;
  }
  void expect_all_restorable() const {
    base::NoProgress progress;
    const auto result = verify_repository({{repository().string()}, {}, {}, 2}, progress);
    EXPECT_THAT(result.damage, IsEmpty());
    for (const auto& backup : result.backups) EXPECT_TRUE(backup.restorable) << backup.reason;
  }
  static RetentionRules newest() {
    RetentionRules rules;
    rules.keep_full = 1;
    return rules;
  }
};

// The other host's process; killed when it is still there at the end.
class SleepingBackup {
 public:
  SleepingBackup(const std::vector<std::string>& arguments, const fs::path& log) {
    std::vector<char*> words;
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const base::UniqueFd errors(::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(errors.get(), STDERR_FILENO);
      ::execv(words[0], words.data());
      ::_exit(99);
    }
  }
  ~SleepingBackup() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  // What it does next: "asleep", or the code it exits with.
  std::string next() {
    int status = 0;
    if (::waitpid(process_, &status, WUNTRACED) != process_) return "lost";
    if (WIFSTOPPED(status)) return "asleep";
    process_ = 0;
    return WIFEXITED(status) ? std::to_string(WEXITSTATUS(status)) : "killed";
  }
  void wake() const { ::kill(process_, SIGCONT); }

 private:
  pid_t process_ = 0;
};

TEST_F(Expire, LeavesABackupAndItsWalThatRestore) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  const auto first = back_up().summary.label;
  run("INSERT INTO t SELECT generate_series(1001, 2000); SELECT pg_switch_wal()");
  run("SELECT pg_switch_wal()");
  const auto second = back_up().summary.label;
  run("INSERT INTO t SELECT generate_series(2001, 3000)");
  wait_for_all_wal();
  const auto result = expire(newest());
  EXPECT_THAT(result.expired, ElementsAre(first));
  EXPECT_THAT(labels(), ElementsAre(second));
  EXPECT_FALSE(fs::exists(repository() / "clusters/main/backups" / first));
  expect_all_restorable();
  lose_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "3000");
}

// The full counts no more, but half of it is in use: the packs in which nothing of the incremental lies go.
TEST_F(Expire, LeavesOfAChainWhatItsNewestMemberNeeds) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  const auto full = back_up().summary.label;
  run("INSERT INTO t SELECT generate_series(1001, 2000)");
  auto request = backup_request();
  request.type = BackupType::incremental;
  base::NoProgress progress;
  const auto incremental = take_backup(request, progress).summary.label;
  wait_for_all_wal();
  RetentionRules daily;
  daily.keep_daily = 1;
  const auto result = expire(daily);
  EXPECT_THAT(result.expired, ElementsAre(full));
  EXPECT_THAT(labels(), ElementsAre(incremental));
  EXPECT_FALSE(fs::exists(repository() / "clusters/main/backups" / full / "manifest.json"));
  expect_all_restorable();
  lose_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "2000");
}

TEST_F(Expire, GoesRoundABackupOnAnotherHostThatWhenRevokedInItsSleepIsRefusedAsItWakes) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT n, repeat('x', 200) FROM generate_series(1, 20000) AS n");
  const auto sound = back_up().summary.label;
  const auto log = directory_.path() / "sleeping.log";
  SleepingBackup sleeping(
      {SLEEPING_BACKUP, repository().string(), source_->conninfo(), source_->options().data_directory.string()}, log);
  ASSERT_EQ(sleeping.next(), "asleep") << base::read_file(log);

  const auto held = expire(newest());
  ASSERT_THAT(held.held, SizeIs(1));
  EXPECT_THAT(held.held[0], HasSubstr(", taken by "));
  for (const auto& object : held.removed) EXPECT_THAT(object.name, HasSubstr("/wal/"));  // from before any backup
  const auto label = held.held[0].substr(0, held.held[0].find(','));
  EXPECT_TRUE(fs::exists(repository() / "clusters/main/backups" / label));

  revoke_backup({repository().string()}, "main", label);
  expire(newest());
  EXPECT_FALSE(fs::exists(repository() / "clusters/main/backups" / label));
  sleeping.wake();
  EXPECT_EQ(sleeping.next(), "7");
  EXPECT_THAT(base::read_file(log), HasSubstr("the intent of " + label + " was revoked"));
  EXPECT_THAT(labels(), ElementsAre(sound));
  expire(newest());
  EXPECT_FALSE(fs::exists(repository() / "clusters/main/backups" / label));
  expect_all_restorable();
  back_up();
  lose_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "20000");
}

}  // namespace
}  // namespace backup_engine

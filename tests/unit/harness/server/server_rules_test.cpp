// The rules that need no server: users, quarantine, processes, reachability.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/server/isolation.hpp"
#include "harness/server/process_tree.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/server/resource_meter.hpp"
#include "harness/server/server.hpp"
#include "harness/server/work_directory.hpp"

namespace harness::server {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using process::OsUser;

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_FALSE(error.remedy().empty());
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

TEST(RefuseUnfitUser, RefusesRootAndPostgres) {
  EXPECT_EQ(kind_of([] { refuse_unfit_user(OsUser{.name = "root", .uid = 0, .gid = 0}); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([] { refuse_unfit_user(OsUser{.name = "postgres", .uid = 107, .gid = 110}); }), ErrorKind::usage);
  EXPECT_NO_THROW(refuse_unfit_user(OsUser{.name = "nobody", .uid = 65534, .gid = 65534}));
}

TEST(ResolveServerUser, NeverGivesRoot) {
  EXPECT_EQ(kind_of([] { (void)resolve_server_user("no-such-user"); }), ErrorKind::usage);
  const auto user = resolve_server_user("");
  EXPECT_EQ(user.has_value(), ::geteuid() == 0) << "only root changes to another user";
  EXPECT_NE(user.value_or(OsUser{.name = "caller", .uid = ::getuid(), .gid = 0}).uid, 0U);
}

TEST(ListeningSockets, AreThoseOnPathsWhereSomebodyListens) {
  const std::string kernel =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 17031 /run/postgresql/.s.PGSQL.5432\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 17031 /run/postgresql/.s.PGSQL.5432\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 17032 /run/a-connection\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 17033 @abstract\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 17034\n"
      "0000000000000000: 00000002 00000000 00010000 0005 01 17035 /opt/two words/socket\n";
  EXPECT_EQ(listening_sockets_in(kernel),
            (std::vector<std::filesystem::path>{"/opt/two words/socket", "/run/postgresql/.s.PGSQL.5432"}));
}

TEST(TopOfInstallation, HoldsProgramsAndLibraries) {
  EXPECT_EQ(top_of_installation("/srv/17/usr/lib/postgresql/17/bin"), "/srv/17");
  EXPECT_EQ(top_of_installation("/srv/pgsql/bin"), "/srv/pgsql");
}

TEST(QuarantineSettings, LeaveOutWhatTheMajorDoesNotKnow) {
  EXPECT_TRUE(quarantine_settings(15).contains("promote_trigger_file"));
  EXPECT_FALSE(quarantine_settings(16).contains("promote_trigger_file"));
  EXPECT_FALSE(quarantine_settings(16).contains("sync_replication_slots"));
  EXPECT_TRUE(quarantine_settings(17).contains("sync_replication_slots"));
}

TEST(QuarantineSettings, CutEveryWayOut) {
  const auto settings = quarantine_settings(15);
  EXPECT_EQ(settings.at("archive_mode"), "off");
  EXPECT_EQ(settings.at("max_logical_replication_workers"), "0");
  EXPECT_EQ(settings.at("primary_conninfo"), "");
  EXPECT_EQ(settings.at("shared_preload_libraries"), "");
  EXPECT_FALSE(settings.contains("restore_command")) << "it is how the target gets its WAL";
}

TEST(QuarantineSettings, AreSaidBySessionsWhereARoleMayHaveItsOwn) {
  EXPECT_EQ(options_of_sessions(quarantine_settings(15)), "-c local_preload_libraries= -c session_preload_libraries=");
  EXPECT_EQ(options_of_sessions(quarantine_settings(17)),
            "-c event_triggers=off -c local_preload_libraries= -c session_preload_libraries=");
  EXPECT_EQ(options_of_sessions({{"work_mem", "5MB"}}), "");
  EXPECT_EQ(options_of_sessions({{"session_preload_libraries", "a, b\\c"}}),
            "-c session_preload_libraries=a,\\ b\\\\c");
}

TEST(QuarantineOverrides, SayWhy) {
  for (const auto& item : quarantine_overrides()) EXPECT_FALSE(item.reason.empty()) << item.name;
}

process::Subprocess timeout_with_child() {
  process::Command command;
  command.program = "/usr/bin/timeout";
  command.arguments = {"--foreground", "600", "/bin/sleep", "600"};
  auto started = process::Subprocess::start(command);
  backup_engine::base::poll_until(Deadline::after(std::chrono::seconds(20)), "a child",
                                  [&]() -> std::optional<std::string> {
                                    if (descendants_of(started.pid()).size() == 1) return std::nullopt;
                                    return "none";
                                  });
  return started;
}

TEST(ReadProcess, KnowsItself) {
  const auto self = read_process(::getpid());
  ASSERT_TRUE(self.has_value());
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_GT(self->started_ticks, 0U);
}

TEST(ProcessTreeTest, EndsAProcessWithItsDescendants) {
  auto root = timeout_with_child();
  const auto tree = ProcessTree::frozen(root.pid());
  EXPECT_EQ(tree.pids().size(), 2U);
  for (const auto pid : tree.pids()) {
    backup_engine::base::poll_until(Deadline::after(std::chrono::seconds(20)), "a stop",
                                    [&]() -> std::optional<std::string> {
                                      const auto process = read_process(pid);
                                      if (process && process->state == 'T') return std::nullopt;
                                      return "it runs";
                                    });
  }
  tree.send(SIGKILL);
  tree.wait_until_gone(Deadline::after(std::chrono::seconds(20)));
  EXPECT_EQ(root.wait(Deadline::after(std::chrono::seconds(20))).signal, SIGKILL);
}

TEST(ProcessTreeTest, NamesThoseThatDoNotEnd) {
  const auto root = timeout_with_child();
  const auto tree = ProcessTree::of(root.pid());
  try {
    tree.wait_until_gone(Deadline::after(std::chrono::milliseconds(1)));
    FAIL() << "they ended";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(std::to_string(root.pid())));
  }
}

TEST(ResourceMeterTest, CountsChildrenThatHaveEnded) {
  ResourceMeter meter(::getpid());
  process::Command command;
  command.program = "/usr/bin/sha256sum";
  command.arguments = {"/bin/bash", "/usr/bin/env"};
  for (double cpu = 0; cpu == 0;) {  // the kernel counts in ticks of 10 ms
    (void)process::run(command, Deadline::after(std::chrono::seconds(20)));
    cpu += meter.lap().cpu_seconds;
  }
  EXPECT_GE(meter.lap().cpu_seconds, 0.0);
}

TEST(CanReach, IsTriedAsTheUser) {
  const backup_engine::base::TemporaryDirectory mine("/var/tmp", "can-reach-test");
  EXPECT_TRUE(can_reach(mine.path(), std::nullopt));
  EXPECT_FALSE(can_reach(mine.path() / "absent", std::nullopt));
  const auto user = resolve_server_user("");
  EXPECT_EQ(can_reach(mine.path(), user), !user.has_value()) << "0700 keeps everybody else out";
}

}  // namespace
}  // namespace harness::server

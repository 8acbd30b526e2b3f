#include "harness/process/subprocess.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::process {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::TemporaryDirectory;
using backup_engine::base::UniqueFd;
using testing::HasSubstr;
using testing::Not;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Command command(const std::string& program, std::vector<std::string> arguments = {}) {
  Command made;
  made.program = program;
  made.arguments = std::move(arguments);
  return made;
}

TEST(Run, ReturnsTheOutputAndTheExitCode) {
  const auto done = run(command("/bin/echo", {"two words", "end"}), soon());
  EXPECT_TRUE(done.status.success());
  EXPECT_EQ(done.output, "two words end\n");
  EXPECT_EQ(run(command("/bin/false"), soon()).status.code, 1);
}

TEST(Run, CollectsStandardErrorToo) {
  const auto done = run(command("/bin/ls", {"/does/not/exist"}), soon());
  EXPECT_FALSE(done.status.success());
  EXPECT_THAT(done.output, HasSubstr("/does/not/exist"));
}

TEST(Run, AppendsToTheNamedFileAndReturnsOnlyItsOwnPart) {
  const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "lifeboat-test");
  auto echo = command("/bin/echo", {"again"});
  echo.output_file = directory.path() / "log";
  EXPECT_EQ(run(echo, soon()).output, "again\n");
  EXPECT_EQ(run(echo, soon()).output, "again\n");
  EXPECT_EQ(backup_engine::base::read_file(echo.output_file), "again\nagain\n");
}

TEST(Run, PassesOnlyTheStatedEnvironment) {
  ::setenv("LIFEBOAT_SECRET", "inherited", 1);
  auto env = command("/usr/bin/env");
  env.environment = {{"PGAPPNAME", "drill"}, {"LC_ALL", "C.UTF-8"}};
  const auto output = run(env, soon()).output;
  ::unsetenv("LIFEBOAT_SECRET");
  EXPECT_THAT(output, HasSubstr("PGAPPNAME=drill\n"));
  EXPECT_THAT(output, HasSubstr("LC_ALL=C.UTF-8\n"));
  EXPECT_THAT(output, HasSubstr("PATH="));
  EXPECT_THAT(output, Not(HasSubstr("LIFEBOAT_SECRET")));
}

TEST(Run, PassesNoDescriptorButTheThreeStandardOnes) {
  // Neither close-on-exec nor neighbours: the gap between two kept descriptors is where closing goes wrong.
  const UniqueFd leaked(::open("/dev/null", O_RDONLY));
  const UniqueFd far(::fcntl(leaked.get(), F_DUPFD, 200));
  ASSERT_TRUE(far.valid());
  // ls's own descriptor for the listed directory is the fourth.
  EXPECT_EQ(run(command("/bin/ls", {"/proc/self/fd"}), soon()).output, "0\n1\n2\n3\n");
}

TEST(Run, ReadsStandardInputFromNowhere) {
  EXPECT_EQ(run(command("/bin/cat"), soon()).output, "");
}

TEST(Run, StartsInTheStatedDirectory) {
  auto pwd = command("/bin/pwd");
  pwd.working_directory = "/usr/lib";
  EXPECT_EQ(run(pwd, soon()).output, "/usr/lib\n");
}

TEST(Run, ResetsSignalsThatLifeboatBlocksOrIgnores) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto* const old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto status = run(command("/bin/cat", {"/proc/self/status"}), soon()).output;
  ::signal(SIGPIPE, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST(Run, KillsTheProgramThatPassesItsDeadline) {
  try {
    (void)run(command("/bin/sleep", {"600"}), Deadline::after(std::chrono::milliseconds(50)));
    FAIL() << "it ended in time";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
  }
}

TEST(Run, EndsWhenAStopIsRequested) {
  std::stop_source stop;
  std::jthread asker([&stop] { stop.request_stop(); });
  try {
    (void)run(command("/bin/sleep", {"600"}), soon(), stop.get_token());
    FAIL() << "it ended by itself";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
}

TEST(Start, NamesTheMissingProgramAndTheReason) {
  try {
    (void)Subprocess::start(command("/usr/bin/no-such-program", {"-x"}));
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::process);
    EXPECT_STREQ(error.what(), "cannot start /usr/bin/no-such-program: cannot execute it: No such file or directory");
    EXPECT_EQ(error.command(), "/usr/bin/no-such-program -x");
  }
}

TEST(Start, NamesTheStepThatFailed) {
  auto lost = command("/bin/true");
  lost.working_directory = "/does/not/exist";
  try {
    (void)Subprocess::start(lost);
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot enter its working directory: No such file or directory"));
  }
}

TEST(Start, LeavesNoZombieOfAProgramThatDidNotStart) {
  EXPECT_THROW((void)Subprocess::start(command("/usr/bin/no-such-program")), Error);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(Start, GivesTheChildASessionOfItsOwn) {
  const auto sleeper = Subprocess::start(command("/bin/sleep", {"600"}));
  EXPECT_EQ(::getpgid(sleeper.pid()), sleeper.pid());
  EXPECT_EQ(::getsid(sleeper.pid()), sleeper.pid());
}

TEST(Start, RefusesARelativeProgram) {
  EXPECT_THROW((void)Subprocess::start(command("true")), Error);
}

TEST(SubprocessTest, TellsTheSignalThatEndedIt) {
  auto sleeper = Subprocess::start(command("/bin/sleep", {"600"}));
  EXPECT_FALSE(sleeper.poll().has_value());
  sleeper.send(SIGTERM);
  EXPECT_EQ(to_text(sleeper.wait(soon())), "signal 15 (Terminated)");
}

TEST(SubprocessTest, EndsWithItsOwner) {
  pid_t pid = 0;
  {
    const auto sleeper = Subprocess::start(command("/bin/sleep", {"600"}));
    pid = sleeper.pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(SubprocessTest, TakesItsWholeGroupAlong) {
  const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "lifeboat-test");
  auto parent = command("/usr/bin/timeout", {"--foreground", "600", "/bin/sleep", "601"});
  parent.output_file = directory.path() / "log";
  auto owner = std::optional(Subprocess::start(parent));
  const auto children = std::filesystem::path("/proc") / std::to_string(owner->pid()) / "task" /
                        std::to_string(owner->pid()) / "children";
  std::string child;
  backup_engine::base::poll_until(soon(), "timeout's child", [&]() -> std::optional<std::string> {
    child = backup_engine::base::read_file(children);
    if (!child.empty()) return std::nullopt;
    return "none";
  });
  owner.reset();
  backup_engine::base::poll_until(soon(), "the grandchild to go", [&]() -> std::optional<std::string> {
    std::error_code gone;
    const auto stat = std::filesystem::path("/proc") / child.substr(0, child.find(' ')) / "stat";
    if (!std::filesystem::exists(stat, gone)) return std::nullopt;
    try {  // where nobody reaps orphans, dead means a zombie
      if (backup_engine::base::read_file(stat).find(") Z ") != std::string::npos) return std::nullopt;
    } catch (const Error&) {
      return std::nullopt;
    }
    return "it runs";
  });
}

TEST(SubprocessTest, CanBeMovedAndKeepsItsProcess) {
  auto first = Subprocess::start(command("/bin/sleep", {"600"}));
  const auto pid = first.pid();
  auto second = std::move(first);
  EXPECT_EQ(second.pid(), pid);
  EXPECT_FALSE(second.poll().has_value());
}

TEST(ToText, QuotesWhatAShellWouldSplit) {
  EXPECT_EQ(to_text(command("/bin/echo", {"plain", "two words", "it's", ""})),
            "/bin/echo plain 'two words' 'it'\\''s' ''");
}

TEST(TailOf, ReturnsTheLastLines) {
  const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "lifeboat-test");
  backup_engine::base::write_file_atomically(directory.path() / "log", "one\ntwo\nthree\n");
  EXPECT_EQ(tail_of(directory.path() / "log", 2), "two\nthree");
  EXPECT_EQ(tail_of(directory.path() / "log", 9), "one\ntwo\nthree");
  EXPECT_EQ(tail_of(directory.path() / "absent", 9), "");
}

}  // namespace
}  // namespace harness::process

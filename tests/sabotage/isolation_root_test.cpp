// The twin of the check `isolation`: it passes on a server in namespaces of its own, and fails on one that was started
// without them, or with a hole in them, naming what was reached. Only root can make namespaces.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/verify/isolation_probe.hpp"
#include "harness/verify/judge.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::read_file;
using reports::record::Check;
using reports::record::Verdict;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class IsolatedServer : public DisposableCluster {
 protected:
  [[nodiscard]] Server isolated(const std::vector<fs::path>& visible = {}) const {
    auto wanted = options();
    wanted.isolation = Isolation{visible};
    return started(wanted);
  }

  [[nodiscard]] static Check judged(const Server& server) {
    verify::Records records;
    records.evidence.isolation = verify::probe_isolation(server, {});
    return verify::judge({}, records).checks.at(0);
  }
  static auto finding(const std::string& words) {
    return Contains(Field(&reports::record::Finding::text, HasSubstr(words)));
  }
};

TEST_F(IsolatedServer, PassesAndAnswersThroughItsSocket) {
  ASSERT_EQ(why_not_isolated(), "");
  const auto mounts = read_file("/proc/self/mountinfo");
  const auto server = isolated();
  const auto check = judged(server);
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.actual, AllOf(HasSubstr("TCP 127.0.0.1:"), HasSubstr("Network is unreachable")));
  EXPECT_EQ(read_file("/proc/self/mountinfo"), mounts) << "its mounts are seen by nobody else";

  const auto seen = [&](const fs::path& path) {
    return server.connect().query("SELECT (pg_stat_file($1, true)).size IS NOT NULL", {path.string()}).single() == "t";
  };
  EXPECT_TRUE(seen(server.options().data_directory / "PG_VERSION"));
  EXPECT_TRUE(seen("/etc/passwd"));
  for (const auto* const path : {"/home", "/root", "/var/lib", "/run", "/proc/1"}) EXPECT_FALSE(seen(path)) << path;
  EXPECT_FALSE(seen(server.options().log_file)) << "it was handed its log open";
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM pg_ls_dir('/tmp')").single(), "1") << "its own socket's";
}

TEST_F(IsolatedServer, FailsWhereThereAreNoNamespacesAndNamesWhatWasReached) {
  const auto server = started(options());
  const auto check = judged(server);
  EXPECT_EQ(check.verdict, Verdict::fail) << check.summary;
  EXPECT_THAT(check.findings, finding("(postgres): network mount")) << "every process is named with what it shares";
  EXPECT_THAT(check.findings, AllOf(finding("reached from inside: TCP 127.0.0.1:"),
                                    finding("reached from inside: Unix socket /tmp/lifeboat-"),
                                    finding("reached from inside: abstract Unix socket @lifeboat-"),
                                    finding("it sees a Unix socket of somebody else: /tmp/lifeboat-")));
}

TEST_F(IsolatedServer, FailsWhereItSeesTheDirectoryOfSomebodyElsesSocket) {
  const auto server = isolated({"/tmp"});
  const auto check = judged(server);
  EXPECT_EQ(check.verdict, Verdict::fail) << check.summary;
  EXPECT_THAT(check.findings, AllOf(finding("reached from inside: Unix socket /tmp/lifeboat-"),
                                    finding("it sees a Unix socket of somebody else: /tmp/lifeboat-")));
  EXPECT_THAT(check.findings, AllOf(Not(finding("TCP")), Not(finding("abstract")), Not(finding("share namespaces"))));
}

// Nobody serves anything where programs lie, or should; who does is covered.
TEST_F(IsolatedServer, SeesNoSocketThatLiesAmongPrograms) {
  const auto place = OwnedDirectory::create("/opt", user_);
  const auto socket = (place.path() / "socket").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  const backup_engine::base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  EXPECT_THAT(listening_sockets(), Contains(fs::path(socket)));
  const auto check = judged(isolated());
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(judged(isolated({place.path()})).findings, finding(socket));
}

TEST_F(IsolatedServer, SeesItsTablespacesAndIsGoneWithAllItsProcessesWhenKilled) {
  const auto place = OwnedDirectory::create("/var/tmp", user_);
  auto before = started(options());
  before.connect().execute("CREATE TABLESPACE far LOCATION '" + place.path().string() + "'");
  before.connect().execute("CREATE TABLE t TABLESPACE far AS SELECT generate_series(1, 99) AS n");
  before.stop(StopMode::fast, soon());
  auto server = isolated();
  server.connect().execute("INSERT INTO t VALUES (100)");
  const auto directory = server.options().data_directory;
  EXPECT_THAT(servers_on(directory), Not(IsEmpty()));
  server.kill();
  EXPECT_THAT(servers_on(directory), IsEmpty());
  auto again = isolated();
  EXPECT_EQ(again.connect().query("SELECT sum(n) FROM t").single(), "5050");
  again.stop(StopMode::fast, soon());
  EXPECT_THAT(servers_on(directory), IsEmpty());
}

TEST_F(IsolatedServer, IsNotStartedWithAViewOfWhatIsNotThere) {
  auto wanted = options();
  wanted.isolation = Isolation{{"/nonexistent/wal"}};
  EXPECT_THROW((void)Server::start(wanted), backup_engine::base::Error);
}

}  // namespace
}  // namespace harness::server

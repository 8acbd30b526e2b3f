// What each verb leaves in the operations log, however it ends.
#include "harness/cli/recorded_verb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/operations.hpp"
#include "backup_engine/verify.hpp"
#include "harness/cli/wal_fetch.hpp"
#include "harness/cli/wal_push.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace harness::cli {
namespace {

namespace store = backup_engine::store;
using backup_engine::Operation;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RecordedVerb : public testing::Test {
 protected:
  RecordedVerb() {
    backup_engine::init_repository(location_);
    store::open_or_create_cluster(*store::open_repository(location_), "main", tests::some_cluster());
  }
  // `arguments` with the repository, and the cluster where one is wanted.
  [[nodiscard]] Command command(std::vector<std::string> arguments, bool of_cluster) const {
    arguments.insert(arguments.end(), {"--repo", location_.text, "--reason", "ticket 7"});
    if (of_cluster) arguments.insert(arguments.end(), {"--cluster", "main"});
    return parse_command(arguments);
  }
  [[nodiscard]] std::vector<Operation> log(const std::string& cluster) const {
    const auto log = backup_engine::read_operations(location_, cluster);
    EXPECT_THAT(log.tampered, IsEmpty());
    return log.operations;
  }
  [[nodiscard]] std::vector<std::string> told(const std::string& cluster) const {
    std::vector<std::string> lines;
    for (const auto& each : log(cluster)) {
      EXPECT_EQ(each.pid, static_cast<std::uint32_t>(::getpid()));
      EXPECT_FALSE(each.user.empty() || each.host.empty());
      EXPECT_LE(each.started_at, each.finished_at);
      lines.push_back(each.verb + ": " + std::to_string(each.exit_code) + ", " + each.outcome);
    }
    return lines;
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-recorded"};
  backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
};

void fail_of_space(const Command& command) {
  EXPECT_THROW((void)execute_recorded(
                   command, [](const Verb&) -> ExitCode { throw Error(ErrorKind::no_space, "the disk is full"); }),
               Error);
}

TEST_F(RecordedVerb, TellsTheWayOnFromDamageThatHasNoneOfItsOwn) {
  const auto remedy_of = [&](const Command& command, Error thrown) {
    try {
      (void)execute_recorded(command, [&](const Verb&) -> ExitCode { throw Error(thrown); });
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "clusters/main/cluster.json: cut off");
      return error.remedy();
    }
    return std::string("nothing was thrown");
  };
  const Error damage(ErrorKind::corrupt, "clusters/main/cluster.json: cut off");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list"}, {"restore", "--to", "/t"}, {"wal", "check"}}) {
    EXPECT_THAT(remedy_of(command(arguments, true), damage), HasSubstr("lifeboat verify --repo " + location_.text));
  }
  auto with_its_own = damage;
  with_its_own.with_remedy("do this");
  EXPECT_EQ(remedy_of(command({"list"}, false), with_its_own), "do this");
  EXPECT_EQ(remedy_of(command({"list"}, false), Error(ErrorKind::io, damage.what())), "");
}

TEST_F(RecordedVerb, SaysThatAnExpireBeginsToRemoveBackupsBeforeItEnds) {
  const auto removing = [&](const Verb& verb) {
    const auto& request = std::get<ExpireVerb>(verb).request;
    EXPECT_THAT(log("main"), IsEmpty());
    request.before_removal();
    request.before_removal();  // of another cluster
    EXPECT_THAT(told("main"), ElementsAre("expire start: 0, removing"));
    return ExitCode::pass;
  };
  EXPECT_EQ(execute_recorded(command({"expire", "--keep-full", "1"}, true), removing), ExitCode::pass);
  EXPECT_THAT(told("main"), ElementsAre("expire start: 0, removing", "expire: 0, done"));
  EXPECT_EQ(log("main").front().reason, "ticket 7");
}

struct Recorded {
  std::vector<std::string> arguments;
  bool of_cluster = true;
  std::string as;
};

TEST_F(RecordedVerb, IsToldHoweverItEnds) {
  const std::vector<Recorded> verbs = {
      {{"repo", "init"}, false, "repo init"},
      {{"repo", "rekey", "--key-file", "/old", "--new-key-file", "/new"}, false, "repo rekey"},
      {{"backup", "--dbname", "host=/s"}, true, "backup"},
      {{"restore", "--to", "/t"}, true, "restore"},
      {{"extract", "--table", "t", "--into", "host=/s", "--beside", "_old"}, true, "extract"},
      {{"verify"}, true, "verify"},
      {{"verify"}, false, "verify"},
      {{"expire", "--keep-full", "2"}, true, "expire"},
      {{"expire", "--keep-full", "2", "--dry-run"}, false, "expire --dry-run"},
      {{"expire", "--revoke", "20261120T021500Z-full"}, true, "expire --revoke"},
      {{"wal", "receive", "--dbname", "host=/s", "--slot", "s"}, true, "wal receive"},
      {{"wal", "receive", "--dbname", "host=/s", "--slot", "s", "--drop-slot"}, true, "wal receive --drop-slot"},
  };
  for (const auto& verb : verbs) {
    SCOPED_TRACE(verb.as);
    auto asked = command(verb.arguments, verb.of_cluster);
    // Its key file does not exist, and the log must open with the key that the repository has: none.
    if (auto* const rekey = std::get_if<RepoRekeyVerb>(&asked.verb)) {
      rekey->request.repository.key_file.clear();
      rekey->request.new_key_file.clear();
    }
    const std::string cluster = verb.of_cluster ? "main" : "";
    const auto before = log(cluster).size();
    EXPECT_EQ(execute_recorded(asked, [](const Verb&) { return ExitCode::pass; }), ExitCode::pass);
    EXPECT_EQ(execute_recorded(asked, [](const Verb&) { return ExitCode::fail; }), ExitCode::fail);
    fail_of_space(asked);
    EXPECT_THROW((void)execute_recorded(asked, [](const Verb&) -> ExitCode { throw std::logic_error("oh"); }),
                 std::logic_error);
    auto lines = told(cluster);
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
    EXPECT_THAT(lines, ElementsAre(verb.as + ": 0, done", verb.as + ": 1, done, and found what it says",
                                   verb.as + ": 2, the disk is full", verb.as + ": 2, a defect of Lifeboat: oh"));
    EXPECT_EQ(log(cluster).back().reason, "ticket 7");
  }
}

TEST_F(RecordedVerb, LeavesNothingWhereItOnlyLooks) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list"}, {"wal", "check"}, {"wal", "push", "pg_wal/000000010000000000000001"}}) {
    EXPECT_EQ(execute_recorded(command(arguments, arguments[0] != "list"), [](const Verb&) { return ExitCode::pass; }),
              ExitCode::pass);
  }
  EXPECT_THAT(log(""), IsEmpty());
  EXPECT_THAT(log("main"), IsEmpty());
}

TEST_F(RecordedVerb, TellsOfAReceiverWhenItBeganToo) {
  const auto receive = command({"wal", "receive", "--dbname", "host=/s", "--slot", "s"}, true);
  EXPECT_EQ(execute_recorded(receive,
                             [](const Verb& verb) {
                               std::get<WalReceiveVerb>(verb).request.on_streaming();
                               return ExitCode::pass;
                             }),
            ExitCode::pass);
  EXPECT_THAT(told("main"), ElementsAre("wal receive start: 0, streaming", "wal receive: 0, done"));
}

TEST_F(RecordedVerb, TellsAnArchiveCommandsFailureOnceAnHour) {
  const auto push = command({"wal", "push", "pg_wal/000000010000000000000001"}, true);
  for (int i = 0; i < 5; ++i) fail_of_space(push);
  EXPECT_THAT(told("main"), ElementsAre("wal push: 2, the disk is full"));
  fail_of_space(command({"verify"}, true));
  fail_of_space(push);
  EXPECT_THAT(told("main"), SizeIs(3)) << "something else came between";
}

TEST_F(RecordedVerb, TellsWhatTheProgramForArchiveCommandFailedWithOnceAnHour) {
  tests::put_wal(*store::open_repository(location_), "main");
  backup_engine::WalPushRequest request;
  request.repository = location_;
  request.cluster = "main";
  request.file = directory_.path() / "000000010000000000000099";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(push_for_postgresql(request), ExitCode::usage);
  EXPECT_THAT(log("main"), SizeIs(1));
  EXPECT_EQ(log("main").front().verb, "wal push");
  EXPECT_THAT(log("main").front().outcome, HasSubstr(request.file.filename().string()));
}

TEST_F(RecordedVerb, TellsWhatWalFetchFailedWithAndNotWhatIsNotThere) {
  const auto storage = store::open_repository(location_);
  tests::put_wal(*storage, "main");
  const backup_engine::WalFetchRequest request{location_, "main", "000000010000000000000010",
                                               directory_.path() / "fetched"};
  EXPECT_EQ(fetch_for_postgresql(request), 0);
  auto other = request;
  other.file_name = "00000007.history";
  EXPECT_EQ(fetch_for_postgresql(other), wal_fetch_not_there);
  EXPECT_THAT(log("main"), IsEmpty());
  const auto object = storage->list("clusters/main/wal/").front().name;
  std::filesystem::resize_file(std::filesystem::path(location_.text) / object, 100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fetch_for_postgresql(request), wal_fetch_failed);
  EXPECT_THAT(told("main"), ElementsAre(testing::AllOf(HasSubstr("wal fetch: 254"), HasSubstr(object))));
}

TEST_F(RecordedVerb, WhoseEntryWasTamperedWithIsNamedByVerify) {
  const auto run = [&](bool of_cluster) {
    const auto pass = [](const Verb&) { return ExitCode::pass; };
    for (int i = 0; i < 3; ++i) (void)execute_recorded(command({"verify"}, of_cluster), pass);
  };
  run(true);
  run(false);
  for (const std::string cluster : {"main", ""}) {
    const auto second = std::filesystem::path(location_.text) / store::operation_name(cluster, 2);
    const auto whole = backup_engine::base::read_file(second);
    const auto blamed = [&] {
      backup_engine::base::NoProgress progress;
      std::vector<std::string> names;
      for (const auto& damage : backup_engine::verify_repository({location_, {}, {}, 1}, progress).damage) {
        names.push_back(damage.object);
      }
      return names;
    };
    EXPECT_THAT(blamed(), IsEmpty());
    auto changed = whole;
    changed[changed.find("ticket")] = 'T';
    backup_engine::base::write_file_atomically(second, changed);
    EXPECT_THAT(blamed(), ElementsAre(store::operation_name(cluster, 2), store::operation_name(cluster, 3)));
    std::filesystem::remove(second);
    EXPECT_THAT(blamed(), ElementsAre(store::operation_name(cluster, 3))) << "the one behind the hole";
    backup_engine::base::write_file_atomically(second, whole);
    EXPECT_THAT(blamed(), IsEmpty());
  }
}

}  // namespace
}  // namespace harness::cli

#include "backup_engine/operations/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/sealed_json.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace backup_engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class OperationsLog : public ::testing::Test {
 protected:
  OperationsLog() {
    init_repository(location_);
    storage_ = store::open_repository(location_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }
  static Operation operation(const std::string& verb, int exit_code = 0, const std::string& cluster = "main") {
    Operation done;
    done.cluster = cluster;
    done.verb = verb;
    done.reason = "ticket 7";
    done.user = "root";
    done.host = "db1";
    done.pid = 4711;
    done.started_at = done.finished_at = base::utc_now();
    done.exit_code = exit_code;
    done.outcome = exit_code == 0 ? "done" : "no space";
    return done;
  }
  [[nodiscard]] std::filesystem::path file(std::uint32_t number) const {
    return directory_.path() / "repository" / store::operation_name("main", number);
  }
  [[nodiscard]] operations::Log log() { return operations::read(*storage_, "main"); }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-operations"};
  RepositoryLocation location_{(directory_.path() / "repository").string()};
  std::unique_ptr<store::Storage> storage_;
};

TEST_F(OperationsLog, HoldsWhoDidWhatWhyAndHowItEnded) {
  const auto done = operation("backup", 2);
  operations::append(*storage_, done);
  const auto read = log();
  EXPECT_THAT(read.tampered, IsEmpty());
  ASSERT_THAT(read.operations, SizeIs(1));
  const auto& found = read.operations[0];
  EXPECT_EQ(found.verb, "backup");
  EXPECT_EQ(found.reason, "ticket 7");
  EXPECT_EQ(found.user + "@" + found.host, "root@db1");
  EXPECT_EQ(found.pid, 4711U);
  EXPECT_EQ(found.started_at, done.started_at);
  EXPECT_EQ(found.exit_code, 2);
  EXPECT_EQ(found.outcome, "no space");
}

TEST_F(OperationsLog, LosesNoEntryOfTwoThatAppendAtOnce) {
  const auto append = [&] {
    for (int i = 0; i < 10; ++i) record_operation(location_, operation("verify"));
  };
  { const std::jthread one(append), other(append); }
  const auto read = log();
  EXPECT_THAT(read.operations, SizeIs(20));
  EXPECT_THAT(read.tampered, IsEmpty());
}

TEST_F(OperationsLog, OfAClusterThatDoesNotExistIsTheRepositorys) {
  operations::append(*storage_, operation("backup", 3, "typo"));
  EXPECT_EQ(operations::read(*storage_, "").operations.at(0).cluster, "typo");
  EXPECT_THAT(store::list_clusters(*storage_), ::testing::ElementsAre("main"));
}

TEST_F(OperationsLog, ShowsAnEntryThatWasChangedAndSealedAnew) {
  for (int i = 0; i < 3; ++i) operations::append(*storage_, operation("restore"));
  auto text = base::read_file(file(2));
  text.replace(text.find("root"), 4, "evil");
  text.erase(text.rfind(",\n  \"sha256\""));
  base::write_file_atomically(file(2), store::seal_json(text + "\n}"));
  const auto read = log();
  ASSERT_THAT(read.tampered, SizeIs(1));
  EXPECT_THAT(read.tampered[0].object, HasSubstr("00000003.json"));
  EXPECT_THAT(read.tampered[0].text, HasSubstr("one of them was changed"));
}

TEST_F(OperationsLog, ShowsAnEntryThatWasRemovedAndAFlippedBit) {
  for (int i = 0; i < 4; ++i) operations::append(*storage_, operation("restore"));
  std::filesystem::remove(file(2));
  auto text = base::read_file(file(4));
  text[text.find("db1")] ^= 1;
  base::write_file_atomically(file(4), text);
  const auto read = log();
  ASSERT_THAT(read.tampered, SizeIs(2));
  EXPECT_THAT(read.tampered[0].text, HasSubstr("1 entries before it are missing"));
  EXPECT_THAT(read.tampered[1].object, HasSubstr("00000004.json"));
  EXPECT_EQ(read.tampered[1].text, "does not match its own SHA-256");
}

TEST(SuccessRates, CountTheLastThirtyDaysAndAll) {
  const auto now = base::utc_now();
  std::vector<Operation> operations(3);
  for (auto& operation : operations) operation.verb = "backup";
  operations[0].finished_at = now - 31 * 24h;
  operations[1].finished_at = operations[2].finished_at = now - 1h;
  operations[2].exit_code = 2;
  const auto rates = success_rates(operations, now);
  ASSERT_THAT(rates, SizeIs(1));
  EXPECT_EQ(rates[0].recent, 2U);
  EXPECT_EQ(rates[0].recent_succeeded, 1U);
  EXPECT_EQ(rates[0].all, 3U);
  EXPECT_EQ(rates[0].all_succeeded, 2U);
}

}  // namespace
}  // namespace backup_engine

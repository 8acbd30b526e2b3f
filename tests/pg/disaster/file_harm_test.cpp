// Disasters that end the source and harm its files: the untouched twin first, then each harm on files that were put
// back as they were, and what PostgreSQL says of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "backup_engine/base/error.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/process/volume.hpp"
#include "harness/provision/wal_volume.hpp"
#include "tests/pg/disaster/stricken_shop.hpp"

namespace harness::disaster {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using workload::DatasetServer;
using workload::soon;

// A shop that is put back to how it was when it was killed.
class KilledShop {
 public:
  KilledShop() : content_(shop_.content()) {
    // Less WAL to copy each time.
    auto connection = shop_.connect();
    connection.execute("ALTER SYSTEM SET wal_keep_size = 0");
    connection.execute("ALTER SYSTEM SET max_wal_size = '64MB'");
    connection.execute("SELECT pg_reload_conf()");
    connection.execute("CHECKPOINT");
    killed_ = strike_shop(shop_, "kill_server", "");
    copy(shop_.data_directory(), saved());
  }

  // What PostgreSQL says of the shop's rows after the harm: their digests, or why it cannot say.
  std::string after(const scenario::DisasterStep& step) {
    put_back();
    struck_ = strike(step, victim_of(shop_));
    return look();
  }
  std::string untouched() {
    put_back();
    return look();
  }
  void put_back() {
    if (shop_.server().running()) shop_.server().kill();
    fs::remove_all(shop_.data_directory());
    copy(saved(), shop_.data_directory());
    shop_.start();
  }

  [[nodiscard]] DatasetServer& shop() { return shop_; }
  [[nodiscard]] const std::string& content() const { return content_; }
  [[nodiscard]] const Struck& killed() const { return killed_; }
  [[nodiscard]] const Struck& struck() const { return struck_; }

 private:
  std::string look() {
    try {
      if (!shop_.server().running()) shop_.start();
      return shop_.content();
    } catch (const Error& error) {
      return error.what() + error.log_tail();
    }
  }
  // With owners and modes, without which PostgreSQL would not start.
  static void copy(const fs::path& from, const fs::path& to) {
    process::Command copying;
    copying.program = "/bin/cp";
    copying.arguments = {"-a", from.string(), to.string()};
    const auto copied = process::run(copying, soon());
    if (!copied.status.success()) throw std::runtime_error(copied.output);
  }
  [[nodiscard]] fs::path saved() const { return shop_.work_directory() / "saved"; }

  DatasetServer shop_{"ecommerce"};
  std::string content_;
  Struck killed_, struck_;
};

class FileHarm : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shop_ = std::make_unique<KilledShop>(); }
  static void TearDownTestSuite() { shop_.reset(); }
  static KilledShop& shop() { return *shop_; }
  static inline std::unique_ptr<KilledShop> shop_;
};

TEST_F(FileHarm, OfAKillAloneLeavesEveryRow) {
  EXPECT_EQ(shop().killed().record.kind, "kill_server");
  EXPECT_THAT(shop().killed().record.detail, HasSubstr("its data directory stays as it is"));
  EXPECT_EQ(shop().untouched(), shop().content());
}

// Of a partitioned table one of its partitions.
TEST_F(FileHarm, ThatLosesAFileLosesATable) {
  EXPECT_THAT(shop().after({"lose_file", "shop.orders"}), HasSubstr("could not open file"));
  EXPECT_THAT(shop().struck().record.detail,
              AllOf(HasSubstr("killed (SIGKILL)"), HasSubstr("of shop.orders_"), HasSubstr("removed")));
}

TEST_F(FileHarm, ThatCutsAFileLosesRows) {
  EXPECT_NE(shop().after({"truncate_file", "shop.payments"}), shop().content());
  EXPECT_THAT(shop().struck().record.detail, HasSubstr("cut from "));
}

TEST_F(FileHarm, ThatFlipsABitIsSeenByTheChecksumThatItLeft) {
  EXPECT_THAT(shop().after({"corrupt_page", "shop.payments"}), HasSubstr("invalid page in block"));
}

TEST_F(FileHarm, ThatFlipsABitAndMendsTheChecksumIsNotSeenByIt) {
  const auto after = shop().after({"corrupt_page", "shop.payments", true});
  EXPECT_NE(after, shop().content());
  EXPECT_EQ(after.find("invalid page in block"), std::string::npos) << after;
}

TEST_F(FileHarm, ThatEncryptsEverythingLeavesNoServer) {
  EXPECT_THAT(shop().after({"encrypt_files", ""}), AnyOf(HasSubstr("FATAL"), HasSubstr("PANIC")));
  EXPECT_THAT(shop().struck().record.detail, HasSubstr("files of its data directory encrypted"));
}

// A disk is full, and it is not the server's: it goes on writing, and that is no disaster.
TEST_F(FileHarm, OfADiskThatTheServerDoesNotFindFullIsRefused) {
  ASSERT_EQ(process::why_no_volume(), "");
  shop().put_back();
  auto victim = victim_of(shop().shop());
  constexpr std::uint64_t elsewhere_bytes = 1U << 20U;
  victim.wal_volume =
      std::make_shared<const process::Volume>(shop().shop().work_directory(), elsewhere_bytes, std::nullopt);
  victim.patience = std::chrono::seconds(1);
  const auto struck = [&] {
    try {
      (void)strike({"fill_disk", ""}, victim);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("it struck");
  };
  EXPECT_THAT(struck(), AllOf(HasSubstr("the server to end on a full disk"), HasSubstr("it goes on writing WAL")));
  shop().shop().server().kill();
  EXPECT_THAT(struck(), HasSubstr("its log has no word of that"));
}

TEST_F(FileHarm, OfADiskThatIsTooSmallForTheWalThereIsRefused) {
  shop().put_back();
  shop().shop().server().kill();
  const auto pg_wal = shop().shop().data_directory() / "pg_wal";
  const auto files = std::distance(fs::directory_iterator(pg_wal), fs::directory_iterator());
  constexpr std::uint64_t a_segment = 1U << 24U;
  try {
    (void)provision::put_wal_on_volume(shop().shop().data_directory(), a_segment, std::nullopt);
    ADD_FAILURE() << "it fits";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::no_space);
    EXPECT_THAT(error.remedy(), HasSubstr("a smaller scale"));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(pg_wal), fs::directory_iterator()), files);
}

struct Mistake {
  scenario::DisasterStep step;
  ErrorKind error;
  std::string message;
};

TEST_F(FileHarm, OfWhatIsNotThereIsRefusedAndTheServerLivesOn) {
  const std::vector<Mistake> mistakes{
      {{"lose_file", "shop.nothing"}, ErrorKind::not_found, "there is no table 'shop.nothing'"},
      {{"corrupt_page", "lifeboat.ledger"}, ErrorKind::usage, "it holds the ledger"},
      {{"kill_server", "now"}, ErrorKind::usage, "takes no argument"},
      {{"fill_disk", ""}, ErrorKind::internal, "was given no file system that it may fill"},
      {{"lose_segment", "here"}, ErrorKind::internal, "was not told what it strikes"},
      {{"lose_key", ""}, ErrorKind::internal, "was not told what it strikes"},
      {{"break_archiving", ""}, ErrorKind::internal, "was not told what it strikes"}};
  shop().put_back();
  for (const auto& mistake : mistakes) {
    try {
      (void)strike(mistake.step, victim_of(shop().shop()));
      ADD_FAILURE() << mistake.step.kind << " struck";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), mistake.error) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(mistake.message));
    }
  }
  EXPECT_EQ(shop().shop().content(), shop().content());
}

}  // namespace
}  // namespace harness::disaster

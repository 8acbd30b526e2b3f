// A damaged pack of a chain's full: verify calls those backups restorable, and only those, that can be read.
#include "backup_engine/base/error.hpp"
#include "tests/fault/backup_trial.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::HasSubstr;

namespace {

class DamagedBlock : public ::testing::Test {
 protected:
  void flip(std::uint64_t at) const {
    auto text = base::read_file(directory_.path() / "repository" / pack_);
    text.at(at) = static_cast<char>(text[at] ^ 4);
    base::write_file_atomically(directory_.path() / "repository" / pack_, text);
  }
  [[nodiscard]] bool can_be_read(const std::string& label) {
    try {
      auto held = tests::read_backup(*storage_, "main", label);
      held.erase("backup_label");
      held.erase("backup_manifest");
      EXPECT_TRUE(held == published_.at(label)) << label;
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }
  void expect_truth(bool unpack, const std::optional<std::string>& only = {}) {
    base::NoProgress progress;
    const auto result = backup_engine::verify_repository(
        {location_, only ? std::optional<std::string>("main") : std::nullopt, only, 1, unpack}, progress);
    ASSERT_FALSE(result.damage.empty());
    for (const auto& damage : result.damage) EXPECT_EQ(damage.object, pack_);
    EXPECT_EQ(result.backups.size(), only ? 1U : 2U);
    for (const auto& backup : result.backups) {
      EXPECT_EQ(backup.restorable, can_be_read(backup.label)) << backup.label << ": " << backup.reason;
      EXPECT_EQ(backup.restorable, backup.reason.empty());
      if (!backup.restorable) {
        EXPECT_THAT(backup.reason, HasSubstr(pack_));
      }
    }
  }

  base::TemporaryDirectory directory_{tests::fault_directory(), "lifeboat-damaged-block"};
  const tests::Published published_ = tests::make_chain(directory_.path());
  const std::string full_ = published_.begin()->first, incremental_ = published_.rbegin()->first;
  const std::string pack_ = store::pack_name("main", full_, 0);
  const backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
  const std::unique_ptr<store::Storage> storage_ = store::open_repository(location_);
};

TEST_F(DamagedBlock, IsHeldAgainstTheBackupsThatNeedItAlone) {
  std::set<std::pair<bool, bool>> seen;  // whether the full, and the incremental, can be read
  const auto size = fs::file_size(directory_.path() / "repository" / pack_);
  for (std::uint64_t at = 0; at < size; at += std::max<std::uint64_t>(1, size / 40)) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(size));
    flip(at);
    seen.emplace(can_be_read(full_), can_be_read(incremental_));
    for (const bool unpack : {true, false}) {
      expect_truth(unpack);
      expect_truth(unpack, incremental_);
    }
    flip(at);
    if (HasFailure()) return;
  }
  EXPECT_TRUE(seen.contains({false, true})) << "a block that the incremental has anew";
  EXPECT_TRUE(seen.contains({false, false})) << "a block that both need";
}

}  // namespace

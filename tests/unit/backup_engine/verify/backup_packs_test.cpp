// What is found in packs does not depend on how much of a backup is held at a time.
#include "backup_engine/verify/backup_packs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/file.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"
#include "tests/unit/backup_engine/verify/small_chain.hpp"

namespace fs = std::filesystem;

namespace backup_engine::verify {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PacksOfAChain : public ::testing::Test {
 protected:
  struct Found {
    std::vector<std::string> reasons;  // of the full and its incrementals
    std::vector<std::string> damage;
    std::uint64_t objects = 0, bytes = 0, blocks = 0;
    bool operator==(const Found&) const = default;
  };

  PacksOfAChain() {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    auto contents = tests::some_files(4096);
    for (unsigned i = 0; i < 3; ++i) contents["base/1/2" + std::to_string(i)] = tests::random_bytes(4096 * 11, 10 + i);
    labels_.push_back(tests::put_backup(*storage_, "main", contents));
    std::fill_n(contents["base/1/20"].begin(), 4096 * 9, std::byte{7});
    labels_.push_back(tests::put_incremental(*storage_, "main", labels_[0], contents));
    contents["base/1/21"] = tests::random_bytes(4096 * 3, 20);
    labels_.push_back(tests::put_incremental(*storage_, "main", labels_[1], contents));
  }

  [[nodiscard]] Found read(bool unpack, std::size_t most) const {
    base::NoProgress progress;
    Findings findings(progress, {});
    SharedChecks shared{unpack, {}, {}, {}, {}};
    Found found;
    for (const auto& label : labels_) {
      const auto manifest = store::read_manifest(*storage_, "main", label);
      BackupPacks packs(*storage_, "main", manifest, 2, shared, findings, most);
      packs.open_tables();
      packs.place_blocks();
      found.reasons.push_back(packs.read());
    }
    const auto result = findings.take();
    for (const auto& damage : result.damage) found.damage.push_back(damage.object + ": " + damage.text);
    found.objects = result.objects;
    found.bytes = result.bytes;
    found.blocks = result.blocks;
    return found;
  }
  [[nodiscard]] std::vector<std::string> packs_of(const std::string& label) const {
    std::vector<std::string> names;
    for (const auto& object : storage_->list(store::backup_prefix("main", label) + "packs/")) {
      names.push_back(object.name);
    }
    return names;
  }
  void flip(const std::string& object, std::uint64_t at) const {
    const auto path = fs::path(location_.text) / object;
    auto text = base::read_file(path);
    text.at(at) = static_cast<char>(text[at] ^ 4);
    base::write_file_atomically(path, text);
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-packs"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  const RepositoryLocation location_{(directory_.path() / "repository").string()};
  std::unique_ptr<store::Storage> storage_;
  std::vector<std::string> labels_;
};

TEST_F(PacksOfAChain, AreEachReadOnce) {
  std::size_t all = 0;
  for (const auto& label : labels_) all += packs_of(label).size();
  for (const bool unpack : {true, false}) {
    for (const std::size_t most : {std::size_t{1}, std::size_t{4}, most_placed}) {
      const auto found = read(unpack, most);
      EXPECT_THAT(found.reasons, ::testing::Each(IsEmpty()));
      EXPECT_THAT(found.damage, IsEmpty());
      EXPECT_EQ(found.objects, all) << unpack << most;
    }
  }
  EXPECT_EQ(read(true, 1), read(true, most_placed));
  EXPECT_EQ(read(false, 1).blocks, 0U);
}

TEST_F(PacksOfAChain, AreJudgedAlikeHoweverLittleIsHeldAtATime) {
  std::set<std::vector<bool>> seen;  // who needs what was damaged
  for (const auto& pack : packs_of(labels_[0])) {
    const auto size = storage_->size(pack).value();
    for (const auto at : {size / 7, size / 2, size - 20}) {
      SCOPED_TRACE(pack + ", byte " + std::to_string(at));
      flip(pack, at);
      const auto whole = read(true, most_placed);
      EXPECT_EQ(read(true, 1), whole);
      EXPECT_EQ(read(true, 3), whole);
      EXPECT_EQ(read(false, 2).reasons, whole.reasons);
      EXPECT_THAT(read(false, most_placed).damage, ::testing::UnorderedElementsAreArray(whole.damage));
      EXPECT_THAT(whole.damage, ::testing::Each(HasSubstr(pack)));
      EXPECT_FALSE(whole.damage.empty());
      std::vector<bool> needed;
      for (const auto& reason : whole.reasons) {
        needed.push_back(!reason.empty());
        if (!reason.empty()) {
          EXPECT_THAT(reason, HasSubstr(pack));
        }
      }
      seen.insert(needed);
      flip(pack, at);
    }
  }
  EXPECT_TRUE(seen.contains({true, true, true}));
  EXPECT_TRUE(seen.contains({true, false, false})) << "the first incremental has it anew";
  EXPECT_TRUE(seen.contains({true, true, false})) << "the second has it anew";
}

}  // namespace
}  // namespace backup_engine::verify

// Blocks that come together are compressed and sealed together, and each is still a block of its own: changed, kept and
// read by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/stored_block.hpp"
#include "backup_engine/verify.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using backup_engine::Codec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr std::size_t block = 8192;
const std::string path = "base/1/1000";

class Bundles : public ::testing::Test {
 protected:
  Bundles() { tests::put_wal(repository_.storage(), "main"); }

  // All of a file in one call, beginning with block `first` in one of its own.
  std::string put(const tests::Bytes& bytes, const std::string& parent = {}, std::uint64_t first = 0,
                  std::uint32_t block_bytes = block) {
    auto& storage = repository_.storage();
    const auto type = parent.empty() ? BackupType::full : BackupType::incremental;
    store::BackupWriter writer(storage, "main", store::new_backup_label(storage, "main", type, base::utc_now()),
                               {{Codec::zstd, 1}, block_bytes}, parent.empty() ? nullptr : open(parent));
    store::FileEntry entry;
    entry.path = path;
    entry.mode = 0600;
    entry.size_bytes = bytes.size();
    const auto file = writer.add_file(entry);
    const auto blocks = writer.make_block_writer();
    auto crc = blocks->put(file, 0, std::span(bytes).first(first * block_bytes));
    const auto rest = std::span(bytes).subspan(first * block_bytes);
    crc = base::crc32c_combine(crc, blocks->put(file, first, rest), rest.size());
    EXPECT_EQ(crc, base::crc32c(bytes));
    writer.finish_file(file, crc);
    blocks->finish();
    auto manifest = writer.finish();
    tests::describe(manifest);
    writer.publish(manifest);
    return writer.label();
  }
  std::shared_ptr<const store::BackupReader> open(const std::string& label) {
    return std::make_shared<const store::BackupReader>(repository_.storage(), "main", label);
  }
  [[nodiscard]] tests::Bytes read(const std::string& label) {
    return tests::read_backup(repository_.storage(), "main", label)[path];
  }
  // Of each block: its place in its bundle, -1 for zeros.
  [[nodiscard]] std::vector<int> places(const std::string& label) {
    const auto reader = open(label);
    const auto file = reader->files().entry(*reader->files().find(path));
    std::vector<int> places;
    for (std::uint64_t n = 0; n < reader->block_count(file); ++n) {
      const auto entry = reader->place(file, n);
      places.push_back(entry.is_zero ? -1 : entry.place);
    }
    return places;
  }
  [[nodiscard]] std::uint64_t pack_bytes(const std::string& label) {
    std::uint64_t bytes = 0;
    const auto packs = store::backup_prefix("main", label) + "packs/";
    for (const auto& object : repository_.storage().list(packs)) bytes += object.size_bytes;
    return bytes;
  }
  [[nodiscard]] backup_engine::VerifyResult verify() {
    base::NoProgress silent;
    return backup_engine::verify_repository({repository_.location(), {}, {}, 1}, silent);
  }
  void expect_sound() {
    const auto result = verify();
    for (const auto& damage : result.damage) ADD_FAILURE() << damage.object << ": " << damage.text;
    for (const auto& backup : result.backups) EXPECT_TRUE(backup.restorable) << backup.label << ": " << backup.reason;
  }

  tests::EncryptedRepository repository_;
};

}  // namespace

TEST_F(Bundles, HoldTheBlocksThatCameTogetherAndGiveThemBack) {
  const auto bytes = tests::row_bytes(19 * block + 100, 1);
  const auto label = put(bytes);
  EXPECT_THAT(places(label), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
  EXPECT_EQ(read(label), bytes);
  EXPECT_EQ(verify().blocks, 20U);
  expect_sound();
}

TEST_F(Bundles, BeginAnewAtEachWindowAndBehindZeros) {
  auto bytes = tests::row_bytes(13 * block, 1);
  std::fill_n(bytes.begin() + 9 * block, 2 * block, std::byte{0});
  const auto label = put(bytes, {}, 3);
  EXPECT_THAT(places(label), ElementsAre(0, 1, 2, 0, 1, 2, 3, 4, 0, -1, -1, 0, 1));
  EXPECT_EQ(read(label), bytes);
  expect_sound();
}

TEST_F(Bundles, HaveOneBlockWhereBlocksAreLong) {
  const auto bytes = tests::row_bytes(3 * 65536 + 5, 1);
  const auto label = put(bytes, {}, 0, 65536);
  EXPECT_THAT(places(label), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(read(label), bytes);
  expect_sound();
}

TEST_F(Bundles, GiveASingleBlock) {
  const auto bytes = tests::row_bytes(11 * block + 7, 1);
  const auto reader = open(put(bytes));
  const auto file = reader->files().entry(*reader->files().find(path));
  for (const std::uint64_t n : {6U, 2U, 11U, 0U, 10U}) {
    tests::Bytes clear(reader->block_bytes(file, n));
    reader->read_block(file, n, clear);
    EXPECT_TRUE(std::equal(clear.begin(), clear.end(), bytes.begin() + static_cast<std::ptrdiff_t>(n * block))) << n;
  }
}

TEST_F(Bundles, AreReplacedBlockByBlockInAChain) {
  auto bytes = tests::random_bytes(16 * block, 1);
  std::vector<std::pair<std::string, tests::Bytes>> chain{{put(bytes), bytes}};
  for (const std::size_t changed : {2U, 5U, 6U, 2U, 15U}) {
    bytes[changed * block + 99] ^= std::byte{1};
    const auto before = chain.back().first;
    chain.emplace_back(put(bytes, before), bytes);
    EXPECT_EQ(pack_bytes(chain.back().first), store::object_header_bytes + block + store::tag_bytes);
  }
  EXPECT_THAT(places(chain.back().first), ElementsAre(0, 1, 0, 3, 4, 0, 0, 7, 0, 1, 2, 3, 4, 5, 6, 0));
  for (const auto& [label, content] : chain) EXPECT_EQ(read(label), content) << label;
  expect_sound();
}

TEST_F(Bundles, OutliveThatTheFileEndsInTheirMiddleAndGrowsAgain) {
  auto bytes = tests::row_bytes(16 * block, 1);
  const auto full = put(bytes);
  bytes.resize(4 * block + 11);
  const auto shorter = put(bytes, full);
  bytes.resize(14 * block, std::byte{7});
  const auto longer = put(bytes, shorter);
  EXPECT_EQ(read(longer), bytes);
  bytes.resize(4 * block + 11);
  EXPECT_EQ(read(shorter), bytes);
  expect_sound();
}

TEST_F(Bundles, NameTheBlocksThatAFlippedBitHarms) {
  const auto label = put(tests::row_bytes(8 * block, 1));
  const auto pack = store::pack_name("main", label, 0);
  auto spoiled = repository_.bytes_of(pack);
  spoiled[spoiled.size() / 2] ^= 1;
  repository_.overwrite(pack, spoiled);
  const auto result = verify();
  ASSERT_FALSE(result.damage.empty());
  EXPECT_EQ(result.damage[0].object, pack);
  EXPECT_THAT(result.damage[0].text, HasSubstr("block 0 of " + path));
  EXPECT_FALSE(result.backups.at(0).restorable);
}

TEST(OpenBundle, RefusesAPlaceThatCannotBe) {
  const store::PackSeal pack("a.pack", {Codec::lz4, 0}, block, nullptr);
  store::BlockSealer sealer({Codec::lz4, 0});
  const auto clear = tests::row_bytes(3 * block, 1);
  const auto sealed = sealer.seal(pack, 96, {"a", 0}, clear);
  tests::Bytes stored(sealed.stored.begin(), sealed.stored.end());
  stored.insert(stored.end(), sealed.trailer.begin(), sealed.trailer.end());
  tests::Bytes room(store::bundle_room(pack));
  store::WantedBlock wanted{{"a", 2}, block, {}};
  wanted.entry.codec = sealed.codec;

  wanted.entry.place = 2;
  const auto bundle = store::open_bundle(pack, wanted, stored, room, "");
  EXPECT_TRUE(std::equal(bundle.begin(), bundle.end(), clear.begin(), clear.end()));
  wanted.entry.place = 3;  // no block lies before the file's first
  EXPECT_THROW(static_cast<void>(store::open_bundle(pack, wanted, stored, room, "")), base::Error);
  wanted.identity.number = 3;  // behind the bundle's last
  EXPECT_THROW(static_cast<void>(store::block_in_bundle(pack, wanted, store::hash_block(clear), bundle, "")),
               base::Error);
}

// Whose place is changed is another block: its tag binds where the bundle begins.
TEST(OpenBundle, RefusesAnEncryptedBundleThatBeginsElsewhere) {
  const store::PackSeal pack("a.pack", {Codec::none, 0}, block, store::new_data_key(base::utc_now()));
  store::BlockSealer sealer({Codec::none, 0});
  const auto clear = tests::random_bytes(3 * block, 1);
  const auto sealed = sealer.seal(pack, 96, {"a", 8}, clear);
  tests::Bytes stored(sealed.stored.begin(), sealed.stored.end());
  stored.insert(stored.end(), sealed.trailer.begin(), sealed.trailer.end());
  tests::Bytes room(store::bundle_room(pack));
  store::WantedBlock wanted{{"a", 10}, block, {}};
  wanted.entry.offset_bytes = 96;
  wanted.entry.place = 2;
  EXPECT_EQ(store::open_bundle(pack, wanted, stored, room, "").size(), clear.size());
  wanted.entry.place = 1;
  EXPECT_THROW(static_cast<void>(store::open_bundle(pack, wanted, stored, room, "")), base::Error);
  wanted = {{"b", 10}, block, wanted.entry};
  wanted.entry.place = 2;
  EXPECT_THROW(static_cast<void>(store::open_bundle(pack, wanted, stored, room, "")), base::Error);
}

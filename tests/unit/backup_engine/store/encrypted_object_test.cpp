// What an object in an encrypted repository shows, and what becomes of one that was changed, moved or swapped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/leaf_cache.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace fs = std::filesystem;
namespace store = backup_engine::store;
using backup_engine::base::ErrorKind;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::kind_of_failure;

namespace {

constexpr backup_engine::Compression none{backup_engine::Codec::none, 0};

class Encrypted : public ::testing::Test {
 protected:
  void put(const std::string& name, const tests::Bytes& bytes) {
    store::put_framed(repository_.storage(), name, store::ObjectKind::wal_part, none, bytes, store::Durability::now);
  }
  [[nodiscard]] tests::Bytes read(const std::string& name) {
    return store::read_framed(repository_.storage(), name, store::ObjectKind::wal_part);
  }
  ErrorKind refusal(const std::string& name) {
    return kind_of_failure([&] { static_cast<void>(read(name)); }, &message_);
  }

  tests::EncryptedRepository repository_;
  std::string message_;
};

}  // namespace

TEST_F(Encrypted, FramesComeBackAndShowNothing) {
  for (const std::size_t size : {0UL, 1UL, 4096UL, 3UL * 1024 * 1024 + 5}) {
    const auto name = "object-" + std::to_string(size);
    const auto bytes = tests::row_bytes(size, 1);
    put(name, bytes);
    EXPECT_EQ(read(name), bytes);
    EXPECT_THAT(repository_.bytes_of(name), Not(HasSubstr("customer")));
  }
}

TEST_F(Encrypted, TheSameBytesLookDifferentEachTime) {
  const auto bytes = tests::row_bytes(4096, 1);
  put("one", bytes);
  put("two", bytes);
  EXPECT_NE(repository_.bytes_of("one").substr(96), repository_.bytes_of("two").substr(96));
}

TEST_F(Encrypted, ARenamedObjectIsRefusedByName) {
  put("one", tests::row_bytes(4096, 1));
  fs::rename(repository_.object("one"), repository_.object("two"));
  EXPECT_EQ(refusal("two"), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("two: the tag of the frame at byte 96 is wrong"));
}

TEST_F(Encrypted, SwappedFramesAreRefused) {
  constexpr std::size_t frame = 1024 * 1024, stored_frame = 16 + frame + 16, header = 96;
  put("one", tests::random_bytes(2 * frame, 1));
  const auto bytes = repository_.bytes_of("one");
  repository_.overwrite("one", bytes.substr(0, header) + bytes.substr(header + stored_frame, stored_frame) +
                                   bytes.substr(header, stored_frame) + bytes.substr(header + 2 * stored_frame));
  EXPECT_EQ(refusal("one"), ErrorKind::corrupt);
  repository_.overwrite("one", bytes.substr(0, header + stored_frame) + bytes.substr(header + 2 * stored_frame));
  EXPECT_EQ(refusal("one"), ErrorKind::corrupt);  // one cut out of the middle
  repository_.overwrite("one", bytes.substr(0, header + 2 * stored_frame));
  EXPECT_EQ(refusal("one"), ErrorKind::corrupt);  // cut off where a frame ends
  EXPECT_THAT(message_, HasSubstr("one: cut off"));
}

// Accidents are found by the header's CRC; here somebody makes it right again.
TEST_F(Encrypted, AHeaderThatWasChangedOnPurposeIsRefused) {
  constexpr std::size_t header = 96, crc_at = 92;
  put("one", tests::row_bytes(10, 1));
  const auto whole = repository_.bytes_of("one");
  for (std::size_t at = 0; at < crc_at; ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::byte crc[4];
    store::put_little_endian(crc, backup_engine::base::crc32c(std::as_bytes(std::span(changed)).first(crc_at)));
    changed.replace(crc_at, header - crc_at, reinterpret_cast<const char*>(crc), sizeof crc);
    repository_.overwrite("one", changed);
    const auto kind = refusal("one");
    EXPECT_TRUE(kind == ErrorKind::corrupt || kind == ErrorKind::unsupported) << at;
    EXPECT_THAT(message_, ::testing::StartsWith("one: ")) << at;
  }
}

TEST_F(Encrypted, AnObjectInTheClearIsRefused) {
  const backup_engine::RepositoryLocation clear{repository_.path("clear").string()};
  store::init_repository(clear, repository_.files());
  const auto other = store::open_repository(clear, repository_.files());
  store::put_framed(*other, "one", store::ObjectKind::wal_part, none, tests::row_bytes(10, 1), store::Durability::now);
  repository_.overwrite("one", backup_engine::base::read_file(repository_.path("clear") / "one"));
  EXPECT_EQ(refusal("one"), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("one: not encrypted"));
  // And the other way about.
  put("two", tests::row_bytes(10, 1));
  fs::copy_file(repository_.object("two"), repository_.path("clear") / "two");
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::read_framed(*other, "two", store::ObjectKind::wal_part)); },
                            &message_),
            ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("two: encrypted"));
}

TEST_F(Encrypted, AnObjectOfAnotherRepositoryIsRefused) {
  tests::EncryptedRepository other;
  store::put_framed(other.storage(), "one", store::ObjectKind::wal_part, none, tests::row_bytes(10, 1),
                    store::Durability::now);
  repository_.overwrite("one", other.bytes_of("one"));
  EXPECT_EQ(refusal("one"), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("one: encrypted with the data key"));
}

TEST_F(Encrypted, DocumentsAreEncryptedAndAPlainOneIsRefused) {
  const std::string text = "{\"name\": \"shop\"}";
  store::put_document(repository_.storage(), "d.json", text, store::Durability::now);
  EXPECT_THAT(repository_.bytes_of("d.json"), Not(HasSubstr("shop")));
  EXPECT_EQ(store::read_document_text(repository_.storage(), "d.json"), text);
  repository_.overwrite("d.json", text);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::read_document_text(repository_.storage(), "d.json")); }),
            ErrorKind::corrupt);
}

TEST_F(Encrypted, ABackupComesBackAndShowsNeitherContentNorNames) {
  const auto files = tests::some_files(4096);
  const auto label = tests::put_backup(repository_.storage(), "main", files);
  EXPECT_EQ(tests::read_backup(repository_.storage(), "main", label), files);
  for (const auto& entry : fs::recursive_directory_iterator(repository_.object(""))) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = backup_engine::base::read_file(entry.path());
    for (const auto* const word : {"customer", "PG_VERSION", "base/1", "START WAL", "7300000000000000001"}) {
      EXPECT_THAT(bytes, Not(HasSubstr(word))) << entry.path();
    }
  }
}

TEST_F(Encrypted, ABackupIsReadByManyThreadsAtOnce) {
  constexpr std::size_t block = 4096, files = 6, blocks = 600;  // several leaves of the index
  tests::Contents contents;
  for (unsigned i = 0; i < files; ++i) contents["base/1/" + std::to_string(i)] = tests::random_bytes(blocks * block, i);
  auto layout = tests::small_layout();
  layout.pack_size_bytes = 1'000'000;
  const auto label = tests::put_backup(repository_.storage(), "main", contents, layout);
  const store::BackupReader reader(repository_.storage(), "main", label);
  backup_engine::base::for_each_in_parallel(4, 4 * files,
                                            [&](std::size_t n) {
                                              const auto path = "base/1/" + std::to_string(n % files);
                                              const auto entry =
                                                  reader.files().entry(reader.files().find(path).value());
                                              tests::Bytes bytes(entry.size_bytes);
                                              reader.read_blocks(entry, 0, reader.block_count(entry), bytes);
                                              EXPECT_EQ(bytes, contents.at(path));
                                            },
                                            {});
}

TEST(LeafCache, KeepsWhatWasUsedLast) {
  store::LeafCache cache(2);
  int opened = 0;
  const auto get = [&](std::uint64_t slot) {
    return cache.get({nullptr, slot}, [&] {
      ++opened;
      return std::vector<std::byte>(1, static_cast<std::byte>(slot));
    });
  };
  EXPECT_EQ(get(1)->front(), std::byte{1});
  get(2), get(1);
  EXPECT_EQ(opened, 2);
  get(3);  // 2 goes
  get(1);
  EXPECT_EQ(opened, 3);
  const auto kept = get(2);  // 3 goes
  EXPECT_EQ(opened, 4);
  get(4), get(5);
  EXPECT_EQ(kept->front(), std::byte{2});  // whoever uses one keeps it
}

// Every byte of an encrypted repository is guarded: changed, swapped or replayed, the object that holds it is named.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "backup_engine/verify.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

namespace {

class TamperedRepository : public ::testing::Test {
 protected:
  TamperedRepository() {
    auto& storage = repository_.storage();
    tests::put_wal(storage, "main");
    label_ = tests::put_backup(storage, "main",
                               {{"base/1/1", tests::row_bytes(9000, 2)}, {"base/1/2", tests::random_bytes(5000, 3)}},
                               {{backup_engine::Codec::zstd, 1}, 4096, 2000});
    for (const auto& object : storage.list("")) objects_.push_back(object);
  }

  [[nodiscard]] std::set<std::string> blamed() const {
    base::NoProgress progress;
    std::set<std::string> names;
    for (const auto& damage : backup_engine::verify_repository({repository_.location(), {}, {}, 1}, progress).damage)
      names.insert(damage.object);
    return names;
  }
  void flip(const std::string& object, std::uint64_t byte) const {
    const auto path = repository_.object(object);
    const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    char value = 0;
    ASSERT_EQ(::pread(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
    value = static_cast<char>(value ^ static_cast<char>(1U << ((byte * 7 + byte / 8) % 8)));
    ASSERT_EQ(::pwrite(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
  }
  void swap(const std::string& one, const std::string& other) const {
    const auto bytes = repository_.bytes_of(one);
    repository_.overwrite(one, repository_.bytes_of(other));
    repository_.overwrite(other, bytes);
  }

  tests::EncryptedRepository repository_;
  std::string label_;
  std::vector<store::ListedObject> objects_;
};

// Every byte of what is small; of larger objects head, tail and a stride through the middle.
std::vector<std::uint64_t> bytes_to_flip(std::uint64_t size_bytes) {
  constexpr std::uint64_t small = 1500, head = 160, tail = 64, stride = 211;
  std::vector<std::uint64_t> bytes;
  for (std::uint64_t i = 0; i < size_bytes; ++i) {
    if (size_bytes <= small || i < head || i + tail >= size_bytes || i % stride == 0) bytes.push_back(i);
  }
  return bytes;
}

}  // namespace

TEST_F(TamperedRepository, IsSoundBeforeAnybodyTouchesIt) {
  base::NoProgress progress;
  const auto result = backup_engine::verify_repository({repository_.location(), {}, {}, 2}, progress);
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, IsEmpty());
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_TRUE(result.backups[0].restorable);
  EXPECT_EQ(result.objects, objects_.size());
  EXPECT_EQ(result.state_digest.size(), 64U);
}

TEST_F(TamperedRepository, NamesTheObjectOfEveryChangedByte) {
  ASSERT_GE(objects_.size(), 12U);  // documents, keys, tables, index, packs, WAL
  for (const auto& object : objects_) {
    for (const auto byte : bytes_to_flip(object.size_bytes)) {
      flip(object.name, byte);
      ASSERT_EQ(blamed(), std::set{object.name}) << "byte " << byte << " of " << object.name;
      flip(object.name, byte);
    }
  }
  EXPECT_THAT(blamed(), IsEmpty());
}

TEST_F(TamperedRepository, NamesWhatWasCutOff) {
  for (const auto& object : objects_) {
    const auto whole = repository_.bytes_of(object.name);
    for (const auto size : {whole.size() - 1, whole.size() / 2, std::size_t{0}}) {
      fs::resize_file(repository_.object(object.name), size);
      EXPECT_EQ(blamed(), std::set{object.name}) << size << " bytes left";
    }
    repository_.overwrite(object.name, whole);
  }
}

TEST_F(TamperedRepository, NamesBothOfTwoSwappedPacks) {
  const auto one = store::pack_name("main", label_, 0), other = store::pack_name("main", label_, 1);
  swap(one, other);
  EXPECT_EQ(blamed(), (std::set{one, other}));
}

TEST_F(TamperedRepository, NamesBothOfTwoSwappedPartsOfWal) {
  const auto size = tests::some_cluster().wal_segment_size;
  const backup_engine::postgres::WalSegment segment{backup_engine::postgres::TimelineId(1), 17};
  const auto one = store::wal_part_name("main", segment, size, 0, 0x40000),
             other = store::wal_part_name("main", segment, size, 0x40000, 0x80000);
  swap(one, other);
  EXPECT_THAT(blamed(), IsSupersetOf({one, other}));
}

TEST_F(TamperedRepository, NamesAWholeBackupThatStandsUnderAnotherLabel) {
  const std::string other = "20200101T000000Z-full";
  fs::copy(repository_.object(store::backup_prefix("main", label_)),
           repository_.object(store::backup_prefix("main", other)), fs::copy_options::recursive);
  EXPECT_EQ(blamed(), std::set{store::manifest_name("main", other)});
}

TEST_F(TamperedRepository, NamesAManifestThatAnotherBackupsReplaced) {
  const auto second = tests::put_backup(repository_.storage(), "main", {{"base/1/1", tests::row_bytes(100, 9)}});
  swap(store::manifest_name("main", label_), store::manifest_name("main", second));
  EXPECT_EQ(blamed(), (std::set{store::manifest_name("main", label_), store::manifest_name("main", second)}));
}

TEST_F(TamperedRepository, NamesABlockThatAnotherOneOfItsPackReplaced) {
  // Two blocks of random bytes have the same stored length, so their bytes can change places.
  const auto label = tests::put_backup(repository_.storage(), "main", {{"base/1/1", tests::random_bytes(8192, 7)}},
                                       {{backup_engine::Codec::none, 0}, 4096, 1'000'000});
  const auto pack = store::pack_name("main", label, 0);
  const auto bytes = repository_.bytes_of(pack);
  constexpr std::size_t header = 96, stored = 4096 + 16;
  ASSERT_EQ(bytes.size(), header + 2 * stored);
  repository_.overwrite(pack, bytes.substr(0, header) + bytes.substr(header + stored) + bytes.substr(header, stored));
  EXPECT_EQ(blamed(), std::set{pack});
  EXPECT_EQ(tests::kind_of_failure([&] { tests::read_backup(repository_.storage(), "main", label); }),
            base::ErrorKind::corrupt);
}

TEST_F(TamperedRepository, IsNotJudgedWithTheWrongKey) {
  backup_engine::make_key_file(repository_.path("wrong"));
  base::NoProgress progress;
  const auto verify = [&](const fs::path& key) {
    static_cast<void>(
        backup_engine::verify_repository({{repository_.path("repository").string(), key}, {}, {}, 1}, progress));
  };
  EXPECT_EQ(tests::kind_of_failure([&] { verify(repository_.path("wrong")); }), base::ErrorKind::mismatch);
  EXPECT_EQ(tests::kind_of_failure([&] { verify({}); }), base::ErrorKind::usage);
}

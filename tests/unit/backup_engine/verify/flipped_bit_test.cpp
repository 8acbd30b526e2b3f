// One flipped bit anywhere in a repository is found, and the file that holds it is named, and no other.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/verify.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"
#include "tests/unit/backup_engine/verify/small_chain.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;

namespace {

class FlippedBit : public ::testing::Test {
 protected:
  FlippedBit() : location_{(directory_.path() / "repository").string()} {
    store::init_repository(location_, files_);
    const auto storage = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage, "main", tests::some_cluster());
    tests::put_wal(*storage, "main");
    tests::put_backup(*storage, "main",
                      {{"PG_VERSION", tests::row_bytes(3, 1)},
                       {"base/1/1", tests::row_bytes(9000, 2)},
                       {"base/1/2", tests::random_bytes(5000, 3)}},
                      {{backup_engine::Codec::zstd, 1}, 4096, 6000});
    const auto full = store::list_backup_labels(*storage, "main").front();
    incremental_ = tests::put_unchanged_incremental(*storage, "main", full);
    put_other_wal(*storage);
    const auto soon = backup_engine::base::utc_now() + std::chrono::hours(1);
    store::put_intent(
        *storage, "main",
        store::make_intent(store::backup_label(soon, backup_engine::BackupType::full), {},
                           backup_engine::postgres::TimelineId(1), backup_engine::postgres::Lsn(tests::wal_start)));
    for (const auto& object : storage->list("")) objects_.push_back(object);
  }

  // A timeline, a gap, and PostgreSQL's side files.
  static void put_other_wal(store::Storage& storage) {
    namespace wal = backup_engine::wal;
    namespace postgres = backup_engine::postgres;
    wal::WalArchive archive(storage, "main", tests::some_cluster().wal_segment_size, {backup_engine::Codec::lz4, 0});
    const postgres::TimelineId two(2);
    archive.put_history(two, "1\t0/1170000\tno recovery target specified\n");
    archive.put_gap({postgres::TimelineId(1), postgres::Lsn(tests::wal_stop), postgres::Lsn(0x1400000)},
                    "the server no longer had it");
    archive.put_extra("000000010000000000000010.00000028.backup", std::as_bytes(std::span("START WAL LOCATION", 18)));
    archive.put_extra("000000010000000000000011.partial", tests::wal_bytes(5000, 4));
  }

  // The objects that verify blames now.
  [[nodiscard]] std::set<std::string> blamed() const {
    base::NoProgress progress;
    std::set<std::string> names;
    for (const auto& damage : backup_engine::verify_repository({location_, {}, {}, 1}, progress).damage)
      names.insert(damage.object);
    return names;
  }

  void flip(const std::string& object, std::uint64_t byte, unsigned bit) const {
    const auto path = fs::path(location_.text) / object;
    const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    char value = 0;
    ASSERT_EQ(::pread(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
    value = static_cast<char>(value ^ static_cast<char>(1U << bit));
    ASSERT_EQ(::pwrite(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-flip"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  backup_engine::RepositoryLocation location_;
  std::vector<store::ListedObject> objects_;
  std::string incremental_;
};

// Every byte of what is small; of larger objects head, tail and a stride through the middle that meets every field.
std::vector<std::uint64_t> bytes_to_flip(std::uint64_t size_bytes) {
  constexpr std::uint64_t small = 1500, head = 160, tail = 64, stride = 97;
  std::vector<std::uint64_t> bytes;
  for (std::uint64_t i = 0; i < size_bytes; ++i) {
    if (size_bytes <= small || i < head || i + tail >= size_bytes || i % stride == 0) bytes.push_back(i);
  }
  return bytes;
}

}  // namespace

TEST_F(FlippedBit, IsFoundWhereverItIsAndItsFileNamed) {
  ASSERT_THAT(blamed(), ::testing::IsEmpty());
  ASSERT_GE(objects_.size(), 20U);  // documents, tables, index, packs of a chain, WAL with history, gap and side files
  for (const auto& object : objects_) {
    for (const auto byte : bytes_to_flip(object.size_bytes)) {
      const auto bit = static_cast<unsigned>((byte * 7 + byte / 8) % 8);
      flip(object.name, byte, bit);
      ASSERT_EQ(blamed(), std::set{object.name}) << "bit " << bit << " of byte " << byte << " of " << object.name;
      flip(object.name, byte, bit);
    }
  }
  EXPECT_THAT(blamed(), ::testing::IsEmpty());
}

TEST_F(FlippedBit, IsFoundInEachOfTheEightPlaces) {
  for (const auto& object : objects_) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      flip(object.name, object.size_bytes / 2, bit);
      ASSERT_EQ(blamed(), std::set{object.name}) << bit;
      flip(object.name, object.size_bytes / 2, bit);
    }
  }
}

TEST_F(FlippedBit, AndALostOrAddedByteToo) {
  for (const auto& object : objects_) {
    const auto path = fs::path(location_.text) / object.name;
    const auto whole = base::read_file(path);
    fs::resize_file(path, whole.size() - 1);
    EXPECT_EQ(blamed(), std::set{object.name}) << "cut";
    fs::resize_file(path, whole.size() + 1);
    EXPECT_EQ(blamed(), std::set{object.name}) << "the last byte lost and one added";
    fs::resize_file(path, 0);
    EXPECT_EQ(blamed(), std::set{object.name}) << "emptied";
    base::write_file_atomically(path, whole + '\n');
    EXPECT_EQ(blamed(), std::set{object.name}) << "added";
    base::write_file_atomically(path, whole);
  }
  EXPECT_THAT(blamed(), ::testing::IsEmpty());
}

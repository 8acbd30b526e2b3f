// A repository with every kind of object in it, and bits of it to flip: the sample that each build looks at (unit) and
// the sweep over all of it (fault) share it.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/verify.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"
#include "tests/unit/backup_engine/verify/small_chain.hpp"

namespace tests {

class FlippedBit : public ::testing::Test {
 protected:
  FlippedBit() : location_{(directory_.path() / "repository").string()} {
    backup_engine::store::init_repository(location_, files_);
    const auto storage = backup_engine::store::open_repository(location_, files_);
    backup_engine::store::open_or_create_cluster(*storage, "main", some_cluster());
    put_wal(*storage, "main");
    put_backup(*storage, "main",
               {{"PG_VERSION", row_bytes(3, 1)}, {"base/1/1", row_bytes(9000, 2)}, {"base/1/2", random_bytes(5000, 3)}},
               {{backup_engine::Codec::zstd, 1}, 4096, 6000});
    const auto full = backup_engine::store::list_backup_labels(*storage, "main").front();
    incremental_ = put_unchanged_incremental(*storage, "main", full);
    put_other_wal(*storage);
    const auto soon = backup_engine::base::utc_now() + std::chrono::hours(1);
    backup_engine::store::put_intent(
        *storage, "main",
        backup_engine::store::make_intent(backup_engine::store::backup_label(soon, backup_engine::BackupType::full), {},
                                          backup_engine::postgres::TimelineId(1),
                                          backup_engine::postgres::Lsn(wal_start)));
    for (const auto& object : storage->list("")) objects_.push_back(object);
  }

  // A timeline, a gap, and PostgreSQL's side files.
  static void put_other_wal(backup_engine::store::Storage& storage) {
    namespace wal = backup_engine::wal;
    namespace postgres = backup_engine::postgres;
    wal::WalArchive archive(storage, "main", some_cluster().wal_segment_size, {backup_engine::Codec::lz4, 0});
    const postgres::TimelineId two(2);
    archive.put_history(two, "1\t0/1170000\tno recovery target specified\n");
    archive.put_gap({postgres::TimelineId(1), postgres::Lsn(0x1200000), postgres::Lsn(0x1400000)},
                    "the server no longer had it");
    archive.put_extra("000000010000000000000010.00000028.backup", std::as_bytes(std::span("START WAL LOCATION", 18)));
    archive.put_extra("000000010000000000000011.partial", wal_bytes(5000, 4));
  }

  // The objects that verify blames now.
  [[nodiscard]] std::set<std::string> blamed() const {
    backup_engine::base::NoProgress progress;
    std::set<std::string> names;
    for (const auto& damage : backup_engine::verify_repository({location_, {}, {}, 1, unpack_}, progress).damage)
      names.insert(damage.object);
    return names;
  }

  void flip(const std::string& object, std::uint64_t byte, unsigned bit) const {
    const auto path = std::filesystem::path(location_.text) / object;
    const backup_engine::base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    char value = 0;
    ASSERT_EQ(::pread(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
    value = static_cast<char>(value ^ static_cast<char>(1U << bit));
    ASSERT_EQ(::pwrite(fd.get(), &value, 1, static_cast<off_t>(byte)), 1);
  }

  // Flips a bit of each of these bytes, one at a time; ends at the first that verify does not find or blames on
  // another.
  void flip_each(const backup_engine::store::ListedObject& object, const std::vector<std::uint64_t>& bytes) const {
    for (const auto byte : bytes) {
      const auto bit = static_cast<unsigned>((byte * 7 + byte / 8) % 8);
      flip(object.name, byte, bit);
      ASSERT_EQ(blamed(), std::set{object.name}) << "bit " << bit << " of byte " << byte << " of " << object.name;
      flip(object.name, byte, bit);
    }
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-flip"};
  FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  bool unpack_ = true;
  backup_engine::RepositoryLocation location_;
  std::vector<backup_engine::store::ListedObject> objects_;
  std::string incremental_;
};

}  // namespace tests

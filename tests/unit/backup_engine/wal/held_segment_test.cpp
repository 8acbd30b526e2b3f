// Reading an open segment while a receiver closes it or merges its parts.
#include "backup_engine/wal/held_segment.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1};
constexpr Lsn start{3 * megabyte}, middle{3 * megabyte + 216}, end{4 * megabyte};

class HeldSegment : public ::testing::Test {
 protected:
  HeldSegment() {
    repository_.archive().put_part(one, start, wal_bytes(start, middle));
    repository_.archive().put_part(one, middle, wal_bytes(middle, end));
  }
  void remove_first_part(WalArchive& archive) {
    archive.remove(archive.parts_of(segment_holding(one, start, repository_.size)).front().object);
  }
  // A receiver does something just before the listing.
  [[nodiscard]] std::optional<std::vector<std::byte>> read_beside(const std::function<void(WalArchive&)>& meanwhile) {
    SharedStorage storage(repository_.storage());
    storage.before_list([&] { meanwhile(repository_.archive()); });
    const WalArchive archive(storage, TemporaryArchive::cluster, repository_.size, {Codec::lz4, 1});
    return read_held(archive, segment_holding(one, start, repository_.size));
  }
  TemporaryArchive repository_;
};

TEST_F(HeldSegment, IsReadWholeWhenItClosesAndItsFirstPartsAreGoneAsOneLooks) {
  const auto held = read_beside([&](WalArchive& archive) {
    archive.put_segment(segment_holding(one, start, repository_.size), wal_bytes(start, end));
    remove_first_part(archive);
  });
  ASSERT_TRUE(held);
  EXPECT_TRUE(*held == wal_bytes(start, end));
}

TEST_F(HeldSegment, WithAHoleIsStillRefused) {
  try {
    static_cast<void>(read_beside([&](WalArchive& archive) { remove_first_part(archive); }));
    FAIL() << "it was read";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    EXPECT_EQ(std::string(error.what()).find("WAL is missing from"), 0U) << error.what();
  }
}

}  // namespace
}  // namespace backup_engine::wal

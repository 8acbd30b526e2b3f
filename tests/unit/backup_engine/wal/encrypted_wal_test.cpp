// WAL in an encrypted repository: it comes back, shows nothing, and no piece of it can stand in for another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "backup_engine/serve_wal.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/settle.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace backup_engine::wal {
namespace {

using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using postgres::WalSegment;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr std::uint64_t megabyte = 1024 * 1024;

class EncryptedWal : public ::testing::Test {
 protected:
  [[nodiscard]] WalFetchOutcome fetch(const WalSegment& segment) {
    return fetch_wal({repository_.location(), "main", file_name(segment, size_), repository_.path("fetched")});
  }
  [[nodiscard]] std::string fetched() const { return base::read_file(repository_.path("fetched")); }
  [[nodiscard]] std::string object_of(const WalSegment& segment) const {
    return store::wal_segment_name("main", segment, size_, Codec::lz4);
  }
  static std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  const postgres::SegmentSize size_ = tests::some_cluster().wal_segment_size;
  const TimelineId one_{1};
  const WalSegment first_{one_, 5}, second_{one_, 6};
  tests::EncryptedRepository repository_;
  WalArchive archive_{repository_.storage(), "main", size_, Compression{Codec::lz4, 0}};
};

TEST_F(EncryptedWal, SegmentsAndPartsComeBack) {
  const auto whole = tests::wal_bytes(megabyte, 1), grown = tests::wal_bytes(megabyte, 2);
  archive_.put_segment(first_, whole);
  archive_.put_part(one_, start_of(second_, size_), std::span(grown).first(1000));
  archive_.put_part(one_, start_of(second_, size_) + 1000, std::span(grown).subspan(1000));
  for (const auto& [segment, bytes] : {std::pair(first_, whole), std::pair(second_, grown)}) {
    ASSERT_EQ(fetch(segment), WalFetchOutcome::fetched);
    EXPECT_EQ(fetched(), text_of(bytes));
  }
  settle(archive_, {SettleTask::Kind::close, second_});  // read, joined, and encrypted anew under another name
  EXPECT_TRUE(archive_.parts_of(second_).empty());
  ASSERT_EQ(fetch(second_), WalFetchOutcome::fetched);
  EXPECT_EQ(fetched(), text_of(grown));
  // The same again is a success, other content is not.
  archive_.put_segment(first_, whole);
  EXPECT_EQ(tests::kind_of_failure([&] { archive_.put_segment(first_, tests::wal_bytes(megabyte, 3)); }),
            ErrorKind::mismatch);
}

// Whoever asks has neither the key nor the repository.
TEST_F(EncryptedWal, IsServedThroughASocket) {
  const auto whole = tests::wal_bytes(megabyte, 1);
  archive_.put_segment(first_, whole);
  archive_.put_segment(second_, tests::wal_bytes(megabyte, 2));
  const WalServer server({repository_.location(), "main", repository_.path("socket"), ::geteuid()});
  WalFetchRequest request;
  request.file_name = file_name(first_, size_);
  request.to = repository_.path("fetched");
  request.socket = repository_.path("socket");
  ASSERT_EQ(fetch_wal(request), WalFetchOutcome::fetched);
  EXPECT_EQ(fetched(), text_of(whole));
  fs::remove(request.to);
  repository_.overwrite(object_of(second_), repository_.bytes_of(object_of(first_)));
  WalServeRequest without_ahead{repository_.location(), "main", repository_.path("other-socket"), ::geteuid(), 0};
  const WalServer other(std::move(without_ahead));
  request.file_name = file_name(second_, size_);
  request.socket = repository_.path("other-socket");
  EXPECT_THROW((void)fetch_wal(request), base::Error);
  EXPECT_FALSE(fs::exists(request.to));
}

TEST_F(EncryptedWal, HistoriesAndGapsShowNothing) {
  const WalGap gap{one_, Lsn(3 * megabyte), Lsn(5 * megabyte)};
  archive_.put_gap(gap, "somebody dropped the slot");
  archive_.put_history(TimelineId(2), "1\t0/5000000\tbefore the great mistake\n");
  EXPECT_THAT(archive_.read_gap(gap), HasSubstr("somebody dropped the slot"));
  EXPECT_THAT(archive_.read_history(TimelineId(2)).value_or(""), HasSubstr("the great mistake"));
  EXPECT_THAT(repository_.bytes_of(gap_object_name("main", gap)), Not(HasSubstr("slot")));
  EXPECT_THAT(repository_.bytes_of(store::wal_history_name("main", TimelineId(2))), Not(HasSubstr("mistake")));
}

TEST_F(EncryptedWal, ASegmentThatStandsInForAnotherIsRefusedAndNotFetched) {
  archive_.put_segment(first_, tests::wal_bytes(megabyte, 1));
  archive_.put_segment(second_, tests::wal_bytes(megabyte, 2));
  const auto bytes = repository_.bytes_of(object_of(first_));
  repository_.overwrite(object_of(first_), repository_.bytes_of(object_of(second_)));
  repository_.overwrite(object_of(second_), bytes);
  for (const auto& segment : {first_, second_}) {
    std::string message;
    EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(fetch(segment)); }, &message), ErrorKind::corrupt);
    EXPECT_THAT(message, HasSubstr(object_of(segment)));
    EXPECT_FALSE(fs::exists(repository_.path("fetched")));
  }
}

TEST_F(EncryptedWal, ASegmentOfAnotherClusterIsRefused) {
  store::open_or_create_cluster(repository_.storage(), "other", tests::some_cluster());
  WalArchive other(repository_.storage(), "other", size_, Compression{Codec::lz4, 0});
  other.put_segment(first_, tests::wal_bytes(megabyte, 1));
  repository_.overwrite(object_of(first_),
                        repository_.bytes_of(store::wal_segment_name("other", first_, size_, Codec::lz4)));
  EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(fetch(first_)); }), ErrorKind::corrupt);
}

TEST_F(EncryptedWal, ACutOffSegmentIsRefused) {
  archive_.put_segment(first_, tests::wal_bytes(megabyte, 1));
  const auto whole = repository_.bytes_of(object_of(first_));
  for (const auto left : {std::size_t{0}, std::size_t{95}, std::size_t{96}, whole.size() - 40, whole.size() - 1}) {
    fs::resize_file(repository_.object(object_of(first_)), left);
    EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(fetch(first_)); }), ErrorKind::corrupt) << left;
  }
}

}  // namespace
}  // namespace backup_engine::wal

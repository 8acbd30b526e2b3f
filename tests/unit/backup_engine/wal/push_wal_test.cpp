#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/pg_wal_folder.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimelineId one{1}, two{2}, ten{10};

class PushWal : public testing::Test {
 protected:
  [[nodiscard]] WalPushRequest request(const std::string& name, unsigned ahead = 0) const {
    WalPushRequest made;
    made.repository = repository_.location();
    made.cluster = TemporaryArchive::cluster;
    made.file = folder_.path() / name;
    made.ahead = ahead;
    return made;
  }
  WalPushResult push(const std::string& name, unsigned ahead = 0) { return push_wal(request(name, ahead)); }
  // What a push that must fail says; nothing may be put by it.
  std::string complaint(const std::string& name, ErrorKind kind) {
    const auto before = repository_.objects();
    try {
      (void)push(name);
      ADD_FAILURE() << name << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_FALSE(error.remedy().empty()) << error.what();
      EXPECT_EQ(repository_.objects(), before);
      return error.what();
    }
    return "";
  }
  std::string put_segment(std::uint64_t number, TimelineId timeline = one, unsigned salt = 0) {
    const WalSegment segment{timeline, number};
    return folder_.put(file_name(segment, repository_.size), segment_bytes(segment, repository_.size, {}, salt));
  }
  using WalSegment = postgres::WalSegment;

  TemporaryArchive repository_;
  PgWalFolder folder_;
};

TEST_F(PushWal, PutsASegmentThatIsFetchedByteForByte) {
  const auto name = put_segment(3);
  EXPECT_FALSE(push(name).was_there);
  ASSERT_EQ(repository_.fetch(name), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), base::read_file(folder_.path() / name));
}

TEST_F(PushWal, TheSameContentAgainIsSuccessWhateverItsCodec) {
  const auto name = put_segment(3);
  (void)push(name);
  EXPECT_TRUE(push(name).was_there);
  auto other_codec = request(name);
  other_codec.compression = {Codec::zstd, 3};
  EXPECT_TRUE(push_wal(other_codec).was_there);
  EXPECT_THAT(repository_.objects(), ElementsAre(HasSubstr("000000010000000000000003.lz4")));
}

TEST_F(PushWal, OtherContentIsAnErrorAndTheOldStays) {
  const auto name = put_segment(3);
  (void)push(name);
  const auto old = base::read_file(folder_.path() / name);
  put_segment(3, one, 7);
  EXPECT_THAT(complaint(name, ErrorKind::mismatch), HasSubstr("other content"));
  ASSERT_EQ(repository_.fetch(name), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), old);
}

TEST_F(PushWal, HistoriesPartialsAndBackupsComeBackAsTheyAre) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"0000000A.history", "1\t0/300148\tno recovery target specified\n"},
      {"000000010000000000000003.00000028.backup", "START WAL LOCATION: 0/300028 (file 000000010000000000000003)\n"},
      {"000000010000000000000003.partial", text_of(segment_bytes({one, 3}, repository_.size))}};
  for (const auto& [name, text] : files) {
    folder_.put(name, text);
    (void)push(name);
    (void)push(name);
    ASSERT_EQ(repository_.fetch(name), WalFetchOutcome::fetched) << name;
    EXPECT_EQ(repository_.fetched(), text);
  }
  folder_.put("0000000A.history", "1\t0/400148\tanother way\n");
  EXPECT_THAT(complaint("0000000A.history", ErrorKind::mismatch), HasSubstr("other content"));
}

TEST_F(PushWal, RefusesWhatIsNoFileOfWal) {
  for (const std::string name : {"postgresql.conf", "000000010000000000000003.lz4", "1.history", "RECOVERYXLOG"}) {
    folder_.put(name, "something");
    EXPECT_NE(complaint(name, ErrorKind::usage), "");
  }
  folder_.put("00000002.history", "");
  EXPECT_THAT(complaint("00000002.history", ErrorKind::corrupt), HasSubstr("names no timeline"));
  folder_.put("000000010000000000000003.00000028.backup", "START WAL LOCATION: 0/5 (file 000000010000000000000005)\n");
  EXPECT_NE(complaint("000000010000000000000003.00000028.backup", ErrorKind::mismatch), "");
  EXPECT_THROW((void)push("000000010000000000000009"), Error) << "a file that is not there";
}

TEST_F(PushWal, RefusesASegmentThatIsNotWhatItsNameSays) {
  const WalSegment three{one, 3};
  const auto name = file_name(three, repository_.size);
  const auto refused = [&](const std::vector<std::byte>& bytes, ErrorKind kind) {
    folder_.put(name, text_of(bytes));
    return complaint(name, kind);
  };
  EXPECT_THAT(refused(segment_bytes({one, 4}, repository_.size), ErrorKind::mismatch), HasSubstr("position"));
  EXPECT_THAT(refused(segment_bytes(three, repository_.size, {.system_identifier = 43}), ErrorKind::mismatch),
              HasSubstr("system identifier 43, not 42"));
  EXPECT_THAT(refused(segment_bytes(three, repository_.size, {.magic = 0xD118}), ErrorKind::mismatch),
              HasSubstr("D118"));
  EXPECT_THAT(refused(segment_bytes(three, repository_.size, {.segment_size = 16 * megabyte}), ErrorKind::mismatch),
              HasSubstr("segment size"));
  EXPECT_THAT(refused(segment_bytes({two, 3}, repository_.size), ErrorKind::mismatch), HasSubstr("timeline 2"));
  auto half = segment_bytes(three, repository_.size);
  half.resize(half.size() / 2);
  EXPECT_THAT(refused(half, ErrorKind::corrupt), HasSubstr("524288 bytes"));
  EXPECT_THAT(refused(std::vector<std::byte>(megabyte), ErrorKind::corrupt), HasSubstr("no header"));
  EXPECT_THAT(repository_.objects(), IsEmpty());
}

// The first segment of a timeline begins with pages of the one that it branched off; the next is hexadecimal.
TEST_F(PushWal, TakesTheSegmentInWhichATimelineBranchesOffWhenItsHistoryExplainsIt) {
  const WalSegment branch{ten, 3};
  const auto name = file_name(branch, repository_.size);
  ASSERT_EQ(name, "0000000A0000000000000003");
  folder_.put(name, text_of(segment_bytes(branch, repository_.size, {.timeline = one})));
  EXPECT_THAT(complaint(name, ErrorKind::mismatch), HasSubstr("0000000A.history is not there"));
  folder_.put("0000000A.history", "1\t0/300000\tat the segment's very start\n");
  EXPECT_THAT(complaint(name, ErrorKind::mismatch), HasSubstr("does not explain"));
  folder_.put("0000000A.history", "1\t0/300148\tinside\n");
  (void)push(name);
  EXPECT_THAT(repository_.objects(), ElementsAre(HasSubstr("0000000A0000000000000003.lz4")));
}

TEST_F(PushWal, WhatAReceiverTookMustAgreeAndIsClosed) {
  const auto name = put_segment(3);
  const auto bytes = segment_bytes({one, 3}, repository_.size);
  const Lsn start(3 * megabyte);
  repository_.archive().put_part(one, start, std::span(bytes).first(1000));
  (void)push(name);
  EXPECT_THAT(repository_.objects(), ElementsAre(HasSubstr("000000010000000000000003.lz4")));

  repository_.archive().put_part(one, Lsn(4 * megabyte), wal_bytes(Lsn(4 * megabyte), Lsn(4 * megabyte + 500)));
  EXPECT_THAT(complaint(put_segment(4), ErrorKind::mismatch), HasSubstr(".part-"));
}

// With archive_mode = always: fetched from here while the primary was still writing it.
TEST_F(PushWal, RefusesASegmentThatAStandbyDoesNotHaveWholeYet) {
  const auto data_directory = folder_.path() / "standby", pg_wal = data_directory / "pg_wal";
  std::filesystem::create_directories(pg_wal / "archive_status");
  std::ofstream(data_directory / "standby.signal").flush();
  const WalSegment three{one, 3};
  const auto whole = segment_bytes(three, repository_.size);
  auto open = whole;
  std::fill(open.begin() + 5000, open.end(), std::byte{0});
  const auto push_of = [&](const std::vector<std::byte>& bytes) {
    auto wanted = request("");
    wanted.file = pg_wal / file_name(three, repository_.size);
    std::ofstream(wanted.file, std::ios::binary) << text_of(bytes);
    return push_wal(wanted);
  };
  EXPECT_THROW((void)push_of(open), Error);
  EXPECT_THAT(repository_.objects(), IsEmpty());
  std::ofstream(pg_wal / "00000002.history") << "1\t0/400148\tin another segment\n";
  EXPECT_THROW((void)push_of(open), Error);
  (void)push_of(whole);
  EXPECT_THAT(repository_.objects(), ElementsAre(HasSubstr("000000010000000000000003.lz4")));

  // It does not grow any more where the standby's line left the timeline, or where a server was lost.
  repository_.archive().remove(store::wal_prefix(TemporaryArchive::cluster) + repository_.objects().at(0));
  std::ofstream(pg_wal / "00000002.history") << "1\t0/300148\tinside\n";
  (void)push_of(open);
  repository_.archive().remove(store::wal_prefix(TemporaryArchive::cluster) + repository_.objects().at(0));
  std::filesystem::remove(pg_wal / "00000002.history");
  std::filesystem::remove(data_directory / "standby.signal");
  (void)push_of(open);
}

// archive_timeout: the rest of the segment is zeros, and stays so. The record may go over from one page to the next.
TEST_F(PushWal, TakesASegmentOfAStandbyThatEndsWithASwitch) {
  const auto data_directory = folder_.path() / "standby", pg_wal = data_directory / "pg_wal";
  std::filesystem::create_directories(pg_wal);
  std::ofstream(data_directory / "standby.signal").flush();
  std::array<std::byte, 24> record{};
  store::put_little_endian(&record[0], std::uint32_t{24});
  store::put_little_endian(&record[8], std::uint64_t{3 * megabyte + 4000});
  record[16] = std::byte{0x40};
  store::put_little_endian(&record[20], base::crc32c(std::span(record).first(20)));
  constexpr std::size_t page = 8192, header = 24;
  std::uint64_t number = 3;
  for (const std::size_t at : {std::size_t{5000}, page - 16, page - 8, page + header}) {
    const WalSegment segment{one, number++};
    auto bytes = segment_bytes(segment, repository_.size);
    const auto in_page = std::min<std::size_t>(24, at < page ? page - at : 24);
    std::copy_n(record.begin(), in_page, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    std::copy(record.begin() + static_cast<std::ptrdiff_t>(in_page), record.end(), bytes.begin() + page + header);
    const auto end = in_page == 24 ? at + 24 : page + header + 24 - in_page;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end(), std::byte{0});
    auto wanted = request("");
    wanted.file = pg_wal / file_name(segment, repository_.size);
    std::ofstream(wanted.file, std::ios::binary) << text_of(bytes);
    EXPECT_NO_THROW((void)push_wal(wanted)) << at;
    bytes[end - 4] ^= std::byte{1};  // its CRC
    wanted.file = pg_wal / file_name({one, number + 10}, repository_.size);
    auto other = segment_bytes({one, number + 10}, repository_.size);
    std::copy(bytes.begin() + 40, bytes.end(), other.begin() + 40);
    std::ofstream(wanted.file, std::ios::binary) << text_of(other);
    EXPECT_THROW((void)push_wal(wanted), Error) << at;
  }
}

TEST_F(PushWal, TakesAlongWhatIsReadyBehindItAndFindsItThere) {
  std::vector<std::string> names;
  for (std::uint64_t number = 3; number < 8; ++number) names.push_back(put_segment(number));
  for (std::size_t i = 0; i < 4; ++i) folder_.mark_ready(names[i]);
  const auto first = push(names[0], 2);
  EXPECT_EQ(first.pushed_ahead, 2U);
  EXPECT_EQ(repository_.objects().size(), 3U);
  for (const auto index : {1U, 2U}) {
    const auto found = push(names[index], 2);
    EXPECT_TRUE(found.was_there);
    EXPECT_EQ(found.pushed_ahead, 0U);
  }
  EXPECT_EQ(push(names[3], 2).pushed_ahead, 0U) << "the last is not ready";
  EXPECT_EQ(repository_.objects().size(), 4U);
}

TEST_F(PushWal, WhatCannotGoAlongIsNoFailureOfTheOneThatWasAskedFor) {
  const auto name = put_segment(3);
  folder_.put(file_name({one, 4}, repository_.size), "cut off");
  folder_.mark_ready(file_name({one, 4}, repository_.size));
  folder_.mark_ready(file_name({one, 5}, repository_.size));  // and not there
  EXPECT_EQ(push(name, 5).pushed_ahead, 0U);
  EXPECT_EQ(repository_.objects().size(), 1U);
}

TEST_F(PushWal, AClusterThatNobodyKnowsIsRefusedWithoutItsControlFile) {
  auto unknown = request(put_segment(3));
  unknown.cluster = "other";
  try {
    (void)push_wal(unknown);
    FAIL() << "pushed into nothing";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
  }
}

}  // namespace
}  // namespace backup_engine::wal

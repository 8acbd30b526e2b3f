// Records as PostgreSQL lays them out: over pages and segments, on branching timelines, and where WAL ends.
#include "backup_engine/wal/record_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/backup_engine/wal/temporary_archive.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr TimelineId one{1}, two{2};
constexpr Lsn three_mb{3 * megabyte};
const base::UtcTime noon = *base::parse_rfc3339("2026-11-20T12:00:00.000001Z");

class ReadRecords : public testing::Test {
 protected:
  WalArchive& archive() { return repository_.archive(); }
  RecordReader reader(int major = 15) { return {archive(), path_to(archive(), one), major}; }
  static std::vector<Lsn> starts(RecordReader& reader) {
    std::vector<Lsn> starts;
    while (const auto record = reader.next()) starts.push_back(record->start);
    return starts;
  }

  TemporaryArchive repository_;
  WalBuilder wal_{three_mb, megabyte};
};

TEST_F(ReadRecords, FindsEachOneOverPagesAndSegments) {
  std::vector<Lsn> written;
  for (const auto bytes : std::vector<std::size_t>{100, 8192, 40000, 8, 900000, 500000, 200, 8100, 30}) {
    written.push_back(wal_.filler(bytes));
  }
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(written.front());
  EXPECT_EQ(starts(records), written);
  EXPECT_EQ(records.end(), wal_.end());
  EXPECT_THAT(records.why_it_ends(), HasSubstr("the WAL held ends at " + to_string(wal_.end())));
}

TEST_F(ReadRecords, EndWhereTheNextCanBegin) {
  const auto first = wal_.filler(20000);
  const auto second = wal_.filler(10);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_EQ(records.next()->end, second);
}

TEST_F(ReadRecords, GoOnInTheNextSegmentAfterASwitch) {
  const auto first = wal_.filler(10);
  const auto change = wal_.switch_segment();
  const auto last = wal_.filler(10);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first, change, last));
  EXPECT_EQ(last, Lsn(4 * megabyte) + 40);
}

TEST_F(ReadRecords, BeginWithTheFirstOfASegmentWhateverReachesIntoIt) {
  wal_.filler(megabyte - 5000);
  wal_.filler(30000);  // into the fourth page of the next segment
  const auto next = wal_.filler(10);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_in_segment_of(Lsn(4 * megabyte + 100));
  EXPECT_THAT(starts(records), ElementsAre(next));
}

TEST_F(ReadRecords, EndAtARecordThatIsNotWhole) {
  const auto first = wal_.filler(10);
  wal_.filler(20000);
  wal_.bytes().resize(wal_.bytes().size() - 16);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first));
  EXPECT_THAT(records.why_it_ends(), HasSubstr("not whole"));
  EXPECT_FALSE(records.next());
}

TEST_F(ReadRecords, EndAtZeros) {
  const auto first = wal_.filler(10);
  wal_.bytes().resize(megabyte);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first));
  EXPECT_THAT(records.why_it_ends(), HasSubstr("no record"));
}

TEST_F(ReadRecords, EndAtAWrongCrc) {
  const auto first = wal_.filler(10);
  const auto second = wal_.filler(100);
  wal_.bytes()[second - three_mb + 50] ^= std::byte{1};
  wal_.filler(10);
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first));
  EXPECT_EQ(records.end(), second);
  EXPECT_THAT(records.why_it_ends(), HasSubstr("CRC"));
}

// A recycled segment holds sound records of long ago behind the last one.
TEST_F(ReadRecords, EndAtOneThatDoesNotFollowTheOneBefore) {
  const auto first = wal_.filler(10);
  WalBuilder other(three_mb, megabyte);
  other.filler(10);
  other.filler(24);
  const auto stale = other.filler(10);
  auto& bytes = wal_.bytes();
  bytes.insert(bytes.end(), other.bytes().begin() + static_cast<std::ptrdiff_t>(stale - three_mb), other.bytes().end());
  wal_.put_into(archive());
  auto records = reader();
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first));
  EXPECT_THAT(records.why_it_ends(), HasSubstr("does not follow"));
}

TEST_F(ReadRecords, EndAtAPageOfAnotherMajor) {
  const auto first = wal_.filler(10);
  wal_.put_into(archive());
  auto records = reader(17);
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre());
  EXPECT_THAT(records.why_it_ends(), HasSubstr("no page"));
}

TEST_F(ReadRecords, FollowTheTimelineThatWasAskedFor) {
  const auto first = wal_.filler(10);
  const auto branching = wal_.end();
  auto branch = wal_.branch(two);
  const auto given_up = wal_.filler(40);
  const auto taken = branch.filler(200);
  wal_.put_into(archive());
  branch.put_into(archive());
  archive().put_history(two, "1\t" + to_string(branching) + "\tno recovery target specified\n");
  RecordReader old_line(archive(), path_to(archive(), one), 15), new_line(archive(), path_to(archive(), two), 15);
  old_line.begin_at(first);
  new_line.begin_at(first);
  EXPECT_EQ(given_up, taken);
  EXPECT_EQ(old_line.next()->end, new_line.next()->end);
  EXPECT_NE(old_line.next()->end, new_line.next()->end);
}

TEST_F(ReadRecords, NeverGoOnBehindABranchingOnTheOldTimeline) {
  const auto first = wal_.filler(10);
  const auto branching = wal_.end();
  wal_.filler(40);
  wal_.put_into(archive());
  archive().put_history(two, "1\t" + to_string(branching) + "\tpromoted\n");
  RecordReader records(archive(), path_to(archive(), two), 15);
  records.begin_at(first);
  EXPECT_THAT(starts(records), ElementsAre(first));
}

class ParseRecords : public testing::TestWithParam<int> {
 protected:
  std::optional<WalRecord> read(WalBuilder& wal, Lsn start) {
    wal.put_into(repository_.archive());
    reader_.emplace(repository_.archive(), path_to(repository_.archive(), one), GetParam());
    reader_->begin_at(start);
    return reader_->next();
  }
  TemporaryArchive repository_;
  std::optional<RecordReader> reader_;
};
INSTANTIATE_TEST_SUITE_P(Majors, ParseRecords, testing::Values(15, 16, 17, 18));

TEST_P(ParseRecords, TellsACommitWithItsSubtransactions) {
  WalBuilder wal(three_mb, megabyte, one, GetParam());
  const auto record = read(wal, wal.commit(755, noon, {756, 757}));
  ASSERT_TRUE(record);
  const auto end = parse_transaction_end(*record, GetParam());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->ending, Ending::commit);
  EXPECT_EQ(end->xid, 755U);
  EXPECT_FALSE(end->prepared);
  EXPECT_EQ(base::to_rfc3339(end->time), "2026-11-20T12:00:00.000001Z");
  EXPECT_THAT(end->subtransactions, ElementsAre(756U, 757U));
}

TEST_P(ParseRecords, GivesAPreparedTransactionItsOwnId) {
  WalBuilder wal(three_mb, megabyte, one, GetParam());
  const auto record = read(wal, wal.commit_prepared(900, noon));
  ASSERT_TRUE(record);
  const auto end = parse_transaction_end(*record, GetParam());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->xid, 900U);
  EXPECT_TRUE(end->prepared);
}

TEST_P(ParseRecords, TellsARollbackAndARestorePointFromEverythingElse) {
  WalBuilder wal(three_mb, megabyte, one, GetParam());
  const auto start = wal.abort(760, noon);
  wal.restore_point("before it", noon);
  wal.prepare(761);
  wal.filler(300, 762);
  const auto abort = read(wal, start);
  EXPECT_EQ(parse_transaction_end(*abort, GetParam())->ending, Ending::abort);
  EXPECT_FALSE(parse_restore_point(*abort));
  const auto point = reader_->next();
  EXPECT_EQ(parse_restore_point(*point)->name, "before it");
  EXPECT_EQ(parse_restore_point(*point)->time, noon);
  EXPECT_FALSE(parse_transaction_end(*point, GetParam()));
  const auto prepare = reader_->next();
  EXPECT_TRUE(is_prepare(*prepare));
  EXPECT_FALSE(parse_transaction_end(*prepare, GetParam()));
  const auto filler = reader_->next();
  EXPECT_EQ(filler->xid, 762U);
  EXPECT_FALSE(parse_transaction_end(*filler, GetParam()));
}

TEST_P(ParseRecords, TellsWhichTablespaceIsCreatedWhere) {
  WalBuilder wal(three_mb, megabyte, one, GetParam());
  const auto far = std::string(900, 'x');  // as long as a path can be, and over a page
  wal.filler(7900);
  const auto start = wal.create_tablespace(16388, "/srv/" + far);
  wal.create_tablespace(16389, "");
  wal.add(tablespace_manager, 0x10, 0, {std::byte{255}, std::byte{4}, {}, {}, {}, {}});  // dropped
  const auto made = read(wal, start);
  const auto creation = parse_tablespace_creation(*made);
  ASSERT_TRUE(creation);
  EXPECT_EQ(creation->oid, 16388U);
  EXPECT_EQ(creation->location, "/srv/" + far);
  EXPECT_EQ(creation->record, start);
  const auto in_place = reader_->next();
  EXPECT_EQ(parse_tablespace_creation(*in_place)->location, "");
  const auto dropped = reader_->next();
  ASSERT_TRUE(dropped);
  EXPECT_FALSE(parse_tablespace_creation(*dropped));
}

TEST_P(ParseRecords, TellsWhatBecomesOfADatabasesDirectories) {
  using Kind = DatabaseChange::Kind;
  WalBuilder wal(three_mb, megabyte, one, GetParam());
  wal.filler(8100);  // over a page
  const auto start = wal.copy_database(16500, 1663, 16400, 16388);
  const auto made = wal.create_database(16501, 1663);
  const auto removed = wal.drop_database(16400, {1663, 16388});
  const auto copy = read(wal, start);
  ASSERT_TRUE(copy);
  EXPECT_EQ(parse_database_change(*copy), (DatabaseChange{start, Kind::copied, 16500, {1663}, 16400, 16388}));
  const auto creation = reader_->next();
  ASSERT_TRUE(creation);
  EXPECT_EQ(parse_database_change(*creation), (DatabaseChange{made, Kind::made, 16501, {1663}, 0, 0}));
  const auto removal = reader_->next();
  ASSERT_TRUE(removal);
  EXPECT_EQ(parse_database_change(*removal), (DatabaseChange{removed, Kind::removed, 16400, {1663, 16388}, 0, 0}));
}

TEST(ParseDatabaseChange, RefusesOneThatIsCutOff) {
  std::vector<std::byte> body{std::byte{255}, std::byte{12}};
  body.resize(2 + 12, std::byte{3});
  for (const std::uint8_t info :
       {std::uint8_t{0x01}, std::uint8_t{0x21}}) {  // a copy, and a removal from 0x03030303 tablespaces
    EXPECT_FALSE(parse_database_change({Lsn(100), Lsn(200), 0, database_manager, info, body}));
  }
}

TEST(ParseTransactionEnd, RefusesDetailsThatAreCutOff) {
  std::vector<std::byte> body{std::byte{255}, std::byte{12}};
  body.resize(2 + 12);
  body[2 + 8] = std::byte{2};  // says that subtransactions follow
  const WalRecord record{Lsn(100), Lsn(200), 755, transaction_manager, 0x80, body};
  EXPECT_FALSE(parse_transaction_end(record, 15));
}

}  // namespace
}  // namespace backup_engine::wal

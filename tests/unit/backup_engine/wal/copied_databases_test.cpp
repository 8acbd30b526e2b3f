#include "backup_engine/wal/copied_databases.hpp"

#include <gmock/gmock.h>

namespace backup_engine::wal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = DatabaseChange::Kind;

constexpr std::uint32_t common = 1663, far = 16388;
constexpr std::uint32_t pattern = 16400, copy = 16500, other = 16501;

// Changes one after the other, each with a record of its own.
class Changes {
 public:
  Changes& make(std::uint32_t oid, std::uint32_t tablespace = common) {
    return add({next(), Kind::made, oid, {tablespace}, 0, 0});
  }
  Changes& copy_to(std::uint32_t oid, std::uint32_t from_oid, std::uint32_t tablespace = common,
                   std::uint32_t from_tablespace = common) {
    return add({next(), Kind::copied, oid, {tablespace}, from_oid, from_tablespace});
  }
  Changes& remove(std::uint32_t oid, std::vector<std::uint32_t> tablespaces = {common}) {
    return add({next(), Kind::removed, oid, std::move(tablespaces), 0, 0});
  }
  [[nodiscard]] std::vector<CopiedDatabase> copies() const { return copies_that_stay(changes_); }

 private:
  [[nodiscard]] postgres::Lsn next() const { return postgres::Lsn(changes_.size() + 1); }
  Changes& add(DatabaseChange change) {
    changes_.push_back(std::move(change));
    return *this;
  }
  std::vector<DatabaseChange> changes_;
};

CopiedDatabase told(std::uint64_t record, std::uint32_t oid, std::uint32_t from_oid, bool source_went = false) {
  return {postgres::Lsn(record), oid, from_oid, "", "", source_went};
}

TEST(CopiesThatStay, AreTheCopiesOfFilesAndNotWhatTheWalMakes) {
  EXPECT_THAT(Changes().make(other).copy_to(copy, pattern).remove(other).copies(), ElementsAre(told(2, copy, pattern)));
  EXPECT_THAT(Changes().make(other).copies(), IsEmpty());
}

TEST(CopiesThatStay, AreOneForADatabaseThatHasSeveralTablespaces) {
  EXPECT_THAT(Changes().copy_to(copy, pattern).copy_to(copy, pattern, far, far).copies(),
              ElementsAre(told(1, copy, pattern)));
  EXPECT_THAT(Changes().copy_to(copy, pattern, far, far).copy_to(copy, pattern).remove(pattern, {far, common}).copies(),
              ElementsAre(told(1, copy, pattern, true)));
}

TEST(CopiesThatStay, LackThoseThatWereRemovedAgain) {
  EXPECT_THAT(Changes().copy_to(copy, pattern).remove(copy).remove(pattern).copies(), IsEmpty());
}

TEST(CopiesThatStay, TellThatTheirSourceWentAfterThemAndNotBefore) {
  EXPECT_THAT(Changes().copy_to(copy, pattern).remove(pattern).copies(), ElementsAre(told(1, copy, pattern, true)));
  EXPECT_THAT(Changes().remove(other).copy_to(copy, pattern).remove(pattern, {far}).copies(),
              ElementsAre(told(2, copy, pattern)));
}

// The old place goes from the disk before the WAL says so: the backup may have stopped in between.
TEST(CopiesThatStay, LackTheirSourceWhereTheyWereMoved) {
  EXPECT_THAT(Changes().copy_to(pattern, pattern, far).copies(), ElementsAre(told(1, pattern, pattern, true)));
  EXPECT_THAT(Changes().copy_to(pattern, pattern, far).remove(pattern).copies(),
              ElementsAre(told(1, pattern, pattern, true)));
  // And back: what lies there is a copy of a copy.
  EXPECT_THAT(Changes()
                  .copy_to(pattern, pattern, far)
                  .remove(pattern)
                  .copy_to(pattern, pattern, common, far)
                  .remove(pattern, {far})
                  .copies(),
              ElementsAre(told(3, pattern, pattern, true)));
}

TEST(CopiesThatStay, HaveTheirSourceWhereTheWalMakesIt) {
  EXPECT_THAT(Changes().make(other).copy_to(copy, other).remove(other).copies(), ElementsAre(told(2, copy, other)));
  EXPECT_THAT(Changes().make(other).copy_to(other, other, far).remove(other).copies(),
              ElementsAre(told(2, other, other)));
}

TEST(CopiesThatStay, GoBackToWhatTheFirstOfThemWasMadeOf) {
  EXPECT_THAT(Changes().copy_to(copy, pattern).copy_to(other, copy).remove(copy).copies(),
              ElementsAre(told(2, other, copy)));
  EXPECT_THAT(Changes().copy_to(copy, pattern).copy_to(other, copy).remove(pattern).copies(),
              ElementsAre(told(1, copy, pattern, true), told(2, other, copy, true)));
}

}  // namespace
}  // namespace backup_engine::wal

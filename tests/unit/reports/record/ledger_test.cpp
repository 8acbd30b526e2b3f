#include "reports/record/ledger.hpp"

#include "backup_engine/base/file.hpp"
#include "tests/support/places.hpp"
#include "tests/unit/reports/record/scratch.hpp"

namespace reports::record {
namespace {

using backup_engine::base::ErrorKind;

LedgerRecord attempt(std::int64_t id) {
  return {LedgerEvent::attempt,
          id,
          1'795'000'000'000'000 + id,
          3,
          4'294'967'296'000 + static_cast<std::uint64_t>(id),
          "00ff17"};
}

LedgerRecord answer(LedgerEvent event, std::int64_t id) {
  return {event, id, 1'795'000'000'500'000 + id, 0, 0, ""};
}

class ReadLedger : public Scratch {};

TEST_F(ReadLedger, JoinsAttemptsWithTheirAnswersInTheOrderOfAttempts) {
  const auto file =
      write("ledger.log", encode(attempt(7)) + encode(attempt(2)) + encode(attempt(5)) +
                              encode(answer(LedgerEvent::aborted, 2)) + encode(answer(LedgerEvent::acknowledged, 7)) +
                              encode(attempt(9)) + encode(answer(LedgerEvent::unknown, 5)));
  const auto transactions = read_ledger(file);
  ASSERT_EQ(transactions.size(), 4U);
  EXPECT_EQ(transactions[0].id, 7);
  EXPECT_EQ(transactions[0].outcome, LedgerOutcome::acknowledged);
  EXPECT_EQ(transactions[0].writer, 3U);
  EXPECT_EQ(transactions[0].xid, 4'294'967'296'007U);
  EXPECT_EQ(transactions[0].digest, "00ff17");
  EXPECT_EQ(transactions[0].sent_microseconds, 1'795'000'000'000'007);
  EXPECT_EQ(transactions[0].answered_microseconds, 1'795'000'000'500'007);
  EXPECT_EQ(transactions[1].outcome, LedgerOutcome::aborted);
  EXPECT_EQ(transactions[2].outcome, LedgerOutcome::unknown);
  EXPECT_EQ(transactions[2].answered_microseconds, 1'795'000'000'500'005);
  EXPECT_EQ(transactions[3].id, 9);
  EXPECT_EQ(transactions[3].outcome, LedgerOutcome::unknown) << "an attempt without an answer";
  EXPECT_EQ(transactions[3].answered_microseconds, 0);
}

TEST_F(ReadLedger, HasNoTransactionsInAnEmptyFile) {
  EXPECT_TRUE(read_ledger(write("ledger.log", "")).empty());
}

TEST_F(ReadLedger, KeepsAnEmptyDigestEmpty) {
  auto record = attempt(1);
  record.digest.clear();
  EXPECT_EQ(read_ledger(write("ledger.log", encode(record))).at(0).digest, "");
}

TEST_F(ReadLedger, DropsATornLastLineWhereverItWasCut) {
  const auto whole = encode(attempt(1)) + encode(answer(LedgerEvent::acknowledged, 1));
  const auto last = encode(attempt(2));
  for (std::size_t length = 0; length + 1 < last.size(); ++length) {
    const auto transactions = read_ledger(write("ledger.log", whole + last.substr(0, length)));
    ASSERT_EQ(transactions.size(), 1U) << "cut after " << length << " bytes";
    ASSERT_EQ(transactions[0].outcome, LedgerOutcome::acknowledged);
  }
}

TEST_F(ReadLedger, KeepsALastLineOfWhichOnlyTheNewlineIsMissing) {
  auto text = encode(attempt(1)) + encode(attempt(2));
  text.pop_back();
  EXPECT_EQ(read_ledger(write("ledger.log", text)).size(), 2U);
}

TEST_F(ReadLedger, RefusesEverySingleChangedByteByLineNumber) {
  const auto first = encode(attempt(1));
  const auto second = encode(answer(LedgerEvent::acknowledged, 1));
  for (std::size_t at = 0; at + 1 < second.size(); ++at) {
    auto damaged = second;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    const auto file = write("ledger.log", first + damaged + encode(attempt(2)));
    expect_error(ErrorKind::corrupt, "ledger.log line 2: ", [&] { (void)read_ledger(file); });
  }
}

TEST_F(ReadLedger, RefusesAnAnswerToNobody) {
  const auto file = write("ledger.log", encode(answer(LedgerEvent::acknowledged, 4)));
  expect_error(ErrorKind::corrupt, "nobody attempted", [&] { (void)read_ledger(file); });
}

TEST_F(ReadLedger, RefusesASecondAttemptAndASecondAnswer) {
  const auto twice = write("ledger.log", encode(attempt(4)) + encode(attempt(4)));
  expect_error(ErrorKind::corrupt, "line 2: attempts a transaction a second time", [&] { (void)read_ledger(twice); });
  const auto both = write("ledger.log", encode(attempt(4)) + encode(answer(LedgerEvent::acknowledged, 4)) +
                                            encode(answer(LedgerEvent::unknown, 4)));
  expect_error(ErrorKind::corrupt, "line 3: answers a transaction a second time", [&] { (void)read_ledger(both); });
}

TEST_F(ReadLedger, SaysWhichFileIsNotThere) {
  expect_error(ErrorKind::not_found, "ledger.log", [&] { (void)read_ledger(path("ledger.log")); });
}

TEST_F(ReadLedger, ReadsTheLinesThatItsFormatPageShows) {
  const auto page = backup_engine::base::read_file(tests::source_directory() / "docs/formats/ledger.md");
  const auto begin = page.find("```ledger\n") + 10;
  const auto transactions = read_ledger(write("ledger.log", page.substr(begin, page.find("```", begin) - begin)));
  ASSERT_EQ(transactions.size(), 3U);
  EXPECT_EQ(transactions[0].outcome, LedgerOutcome::acknowledged);
  EXPECT_EQ(transactions[1].outcome, LedgerOutcome::aborted);
  EXPECT_EQ(transactions[2].outcome, LedgerOutcome::unknown);
}

}  // namespace
}  // namespace reports::record

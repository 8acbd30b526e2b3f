#include "reports/record/journal.hpp"

#include <thread>

#include "backup_engine/base/file.hpp"
#include "tests/unit/reports/record/scratch.hpp"

namespace reports::record {
namespace {

using backup_engine::base::ErrorKind;
using backup_engine::base::parse_rfc3339;

class JournalFile : public Scratch {};

TEST_F(JournalFile, GivesBackWhatWasAppendedInOrder) {
  {
    Journal journal(path("journal.jsonl"));
    journal.append("phase.begin", {{"phase", "provision"}});
    journal.append("disaster.struck", {{"kind", "lose_data_directory"}, {"text", "line\nbreak \"quoted\" \\ \t"}});
  }
  const auto events = read_journal(path("journal.jsonl"));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].event, "phase.begin");
  EXPECT_TRUE(parse_rfc3339(events[0].time).has_value()) << events[0].time;
  EXPECT_EQ(events[1].details.at("text"), "line\nbreak \"quoted\" \\ \t");
}

TEST_F(JournalFile, IsReadableAfterEveryEventWhileTheDrillRuns) {
  Journal journal(path("journal.jsonl"));
  for (std::size_t count = 1; count <= 3; ++count) {
    journal.append("phase.begin");
    EXPECT_EQ(read_journal(path("journal.jsonl")).size(), count);
  }
}

TEST_F(JournalFile, ReplacesBytesThatAreNotUtf8) {
  Journal journal(path("journal.jsonl"));
  journal.append("finding", {{"text", "a\xff\xfe z"}});
  EXPECT_EQ(read_journal(path("journal.jsonl")).at(0).details.at("text"), "a\xef\xbf\xbd\xef\xbf\xbd z");
}

TEST_F(JournalFile, KeepsLinesWholeWhenManyThreadsAppend) {
  {
    Journal journal(path("journal.jsonl"));
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) journal.append("phase.begin", {{"text", std::string(200, 'x')}});
      });
    }
  }
  EXPECT_EQ(read_journal(path("journal.jsonl")).size(), 200U);
}

TEST_F(JournalFile, DropsATornLastLineAndContinuesAfterIt) {
  const std::string whole = R"({"time":"2026-11-20T02:15:00Z","event":"drill.begin","details":{}})"
                            "\n";
  write("journal.jsonl", whole + R"({"time":"2026-11-)");
  EXPECT_EQ(read_journal(path("journal.jsonl")).size(), 1U);
  Journal(path("journal.jsonl")).append("judge.begin");
  const auto events = read_journal(path("journal.jsonl"));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].event, "judge.begin");
}

TEST_F(JournalFile, RefusesAnyOtherBadLineByNumber) {
  const std::string good = R"({"time":"t","event":"e","details":{}})"
                           "\n";
  write("journal.jsonl", good + "nonsense\n" + good);
  expect_error(ErrorKind::corrupt, "journal.jsonl line 2", [&] { (void)read_journal(path("journal.jsonl")); });
  write("journal.jsonl", good + good + R"({"time":"t","event":7,"details":{}})" + "\n");
  expect_error(ErrorKind::corrupt, "line 3: event must be a text", [&] { (void)read_journal(path("journal.jsonl")); });
}

TEST_F(JournalFile, SaysWhereItCouldNotBeMade) {
  expect_error(ErrorKind::not_found, "absent/journal.jsonl", [&] { Journal journal(path("absent/journal.jsonl")); });
}

}  // namespace
}  // namespace reports::record

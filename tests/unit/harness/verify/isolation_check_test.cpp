// The check that nobody asks for: what is judged of what was seen of a restored server's surroundings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verify/judge.hpp"

namespace harness::verify {
namespace {

using reports::record::Check;
using reports::record::IsolationEvidence;
using reports::record::Verdict;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

IsolationEvidence by_itself() {
  IsolationEvidence seen;
  seen.processes = 5;
  seen.sockets_known = 3;
  seen.attempts = {{"TCP 127.0.0.1:40001", true, false, "Network is unreachable"},
                   {"Unix socket /tmp/x/canary", true, false, "No such file or directory"}};
  return seen;
}

Judgement judgement_of(const std::optional<IsolationEvidence>& restored,
                       const std::optional<IsolationEvidence>& second = std::nullopt,
                       const std::map<std::string, std::string>& missing = {}) {
  Records records;
  records.evidence.isolation = restored;
  records.evidence.second_isolation = second;
  records.evidence.missing = missing;
  return judge({}, records);
}

Check judged(const IsolationEvidence& restored, const std::optional<IsolationEvidence>& second = std::nullopt) {
  const auto judgement = judgement_of(restored, second);
  EXPECT_EQ(judgement.checks.size(), 1U);
  EXPECT_EQ(judgement.checks.at(0).name, isolation_check);
  return judgement.checks.at(0);
}

void expect_named(const Check& check, const std::string& object, const std::string& words) {
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].object, object);
  EXPECT_THAT(check.findings[0].text, HasSubstr(words));
  EXPECT_THAT(check.summary, HasSubstr(words));
}

TEST(IsolationCheck, PassesWhereNobodyCanBeReached) {
  const auto check = judged(by_itself(), by_itself());
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.summary, HasSubstr("10 processes"));
  EXPECT_THAT(check.actual, HasSubstr("TCP 127.0.0.1:40001: Network is unreachable"));
}

TEST(IsolationCheck, NamesEachWayOut) {
  auto seen = by_itself();
  seen.shared = {"4711 (checkpointer): network"};
  expect_named(judged(seen), "the restored server", "4711 (checkpointer): network");
  seen = by_itself();
  seen.interfaces = {"eth0"};
  expect_named(judged(seen), "the restored server", "eth0");
  seen = by_itself();
  seen.sockets_seen = {"/run/postgresql/.s.PGSQL.5432"};
  expect_named(judged(by_itself(), seen), "the second copy", "/run/postgresql/.s.PGSQL.5432");
  seen = by_itself();
  seen.attempts[1].from_inside = true;
  expect_named(judged(by_itself(), seen), "the second copy", "reached from inside: Unix socket /tmp/x/canary");
}

TEST(IsolationCheck, DoesNotTrustAListenerThatNobodyReaches) {
  auto seen = by_itself();
  seen.attempts[0].from_outside = false;
  EXPECT_EQ(judged(seen).verdict, Verdict::unknown);
  EXPECT_THAT(judged(seen).summary, HasSubstr("TCP 127.0.0.1:40001"));
  seen.attempts.clear();
  EXPECT_EQ(judged(seen).verdict, Verdict::unknown);
  seen = by_itself();
  seen.processes = 0;
  EXPECT_EQ(judged(by_itself(), seen).verdict, Verdict::unknown);
}

TEST(IsolationCheck, IsUnknownWhereAServerWasNotLookedAt) {
  for (const auto& judgement : {judgement_of({}, {}, {{"isolation", "it ended"}}),
                                judgement_of(by_itself(), {}, {{"second_isolation", "it ended"}})}) {
    ASSERT_EQ(judgement.checks.size(), 1U);
    EXPECT_EQ(judgement.checks[0].verdict, Verdict::unknown);
    EXPECT_THAT(judgement.checks[0].summary, HasSubstr("it ended"));
  }
}

TEST(IsolationCheck, IsNoneWhereThisMachineGivesNobodyNamespacesAndTheReportSaysSo) {
  IsolationEvidence seen;
  seen.impossible = "Operation not permitted";
  const auto judgement = judgement_of(seen, seen);
  EXPECT_THAT(judgement.checks, IsEmpty());
  EXPECT_THAT(judgement.not_tested,
              Contains(testing::AllOf(HasSubstr("isolation: only settings"), HasSubstr("Operation not permitted"))));
}

TEST(IsolationCheck, IsNoneOfADrillThatLookedAtNothing) {
  const auto judgement = judgement_of({});
  EXPECT_THAT(judgement.checks, IsEmpty());
  EXPECT_THAT(judgement.not_tested, Contains(HasSubstr("isolation: what the restored servers could reach was not")));
}

}  // namespace
}  // namespace harness::verify

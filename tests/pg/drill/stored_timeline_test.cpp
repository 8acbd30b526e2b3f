// A stored backup whose WAL goes on along another timeline: recovery follows it, and so does what is judged with.
#include <gmock/gmock.h>

#include <algorithm>

#include "reports/record/evidence.hpp"
#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

using reports::record::Verdict;

TEST(StoredTimelines, AreFollowedToTheNewestAndToAPointOfTheOldOne) {
  StoredCluster cluster;
  cluster.run("CREATE TABLE boats (name text PRIMARY KEY)");
  const auto label = cluster.back_up();
  cluster.run("INSERT INTO boats VALUES ('on the old timeline')");
  cluster.run("SELECT pg_create_restore_point('before the branch')");
  cluster.run("INSERT INTO boats VALUES ('behind the point')");
  cluster.wait_until_acknowledged();
  cluster.branch_off();
  cluster.run("INSERT INTO boats VALUES ('on the new timeline')");
  cluster.wait_until_acknowledged();
  const auto from = ", backup: " + label;
  cluster.write_scenario("newest", from, "restore: { kind: full, target: end_of_wal }\nverify: [catalog]\n");
  cluster.write_scenario("old", from,
                         "restore: { kind: pitr, target: { name: before the branch } }\nverify: [catalog]\n");
  const auto ended = cluster.drill();
  EXPECT_EQ(ended.code, 0) << ended.words;
  for (const auto* const name : {"newest", "old"}) {
    const auto report = cluster.report(name);
    EXPECT_EQ(report.verdict, Verdict::pass) << all_words(report);
    EXPECT_EQ(report.restores.at(0).exact.met, true) << all_words(report);
  }
  const auto order = reports::record::read_evidence(cluster.drill_directory("newest")).commit_order;
  ASSERT_TRUE(order);
  const auto on = [&](std::uint32_t timeline) {
    return std::count_if(order->records.begin(), order->records.end(),
                         [&](const auto& record) { return record.timeline == timeline; });
  };
  EXPECT_GE(on(1), 2);
  EXPECT_GE(on(2), 1);
  const auto same_place = [](const auto& one, const auto& other) { return one.lsn == other.lsn; };
  EXPECT_EQ(std::adjacent_find(order->records.begin(), order->records.end(), same_place), order->records.end());
}

}  // namespace
}  // namespace harness::drill

// Rules that call functions of the cluster's people: by the search_path of the database where they need it, and named
// where PostgreSQL cannot evaluate them, without a word less about the other rules.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "harness/verify/constraint_probe.hpp"
#include "harness/verify/judge.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using reports::record::Verdict;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RulesWithFunctions : public server::DisposableCluster {
 protected:
  // Each function names a function that is not in pg_catalog without its schema.
  RulesWithFunctions() : server_(started(options())) {
    run("CREATE FUNCTION is_even(i int) RETURNS bool LANGUAGE sql AS 'SELECT i % 2 = 0'; "
        "CREATE FUNCTION fits(i int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN is_even(i); END'; "
        "CREATE FUNCTION half(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql "
        "  AS 'BEGIN RETURN CASE WHEN is_even(i) THEN i / 2 END; END'; "
        "CREATE TABLE boats (id int PRIMARY KEY, seats int NOT NULL, "
        "  CONSTRAINT rows_in_pairs CHECK (fits(seats)), CONSTRAINT positive CHECK (seats > 0)); "
        "CREATE UNIQUE INDEX boats_half ON boats (half(id)); "
        "INSERT INTO boats SELECT 2 * i, 2 * i FROM generate_series(1, 100) i");
  }
  void run(const std::string& sql) const { server_.connect().execute(sql); }
  [[nodiscard]] reports::record::Check judged(const reports::record::ConstraintEvidence& evidence) const {
    Records records;
    records.evidence.constraints = evidence;
    return judge({{scenario::CheckKind::constraints, {}}}, records).checks.at(0);
  }
  [[nodiscard]] reports::record::ConstraintEvidence probed() const {
    return probe_constraints(cluster_of(server_, "postgres"));
  }
  // While the rule's function accepts everything.
  void break_the_pairs() const {
    run("CREATE OR REPLACE FUNCTION fits(i int) RETURNS bool LANGUAGE sql AS 'SELECT true'; "
        "UPDATE boats SET seats = 3 WHERE id = 40; "
        "CREATE OR REPLACE FUNCTION fits(i int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN is_even(i); END'");
  }

  server::Server server_;
};

TEST_F(RulesWithFunctions, AreEvaluatedByTheSearchPathOfTheDatabase) {
  const auto sound = probed();
  EXPECT_THAT(sound.not_evaluated, IsEmpty());
  EXPECT_THAT(sound.broken, IsEmpty());
  EXPECT_EQ(judged(sound).verdict, Verdict::pass) << judged(sound).summary;
  break_the_pairs();
  const auto harmed = probed();
  ASSERT_EQ(harmed.broken.size(), 1U);
  EXPECT_EQ(harmed.broken[0].constraint, "rows_in_pairs");
  EXPECT_EQ(harmed.broken[0].rows, 1U);
  EXPECT_EQ(harmed.examined, sound.examined);
}

TEST_F(RulesWithFunctions, AreNamedWhenNobodyCanEvaluateThemAndTheOthersAreExamined) {
  const auto before = probed();
  run("CREATE SCHEMA elsewhere; ALTER FUNCTION is_even SET SCHEMA elsewhere");
  const auto evidence = probed();
  EXPECT_THAT(evidence.not_evaluated,
              ElementsAre(AllOf(HasSubstr("boats: unique boats_half"), HasSubstr("is_even")),
                          AllOf(HasSubstr("boats: check rows_in_pairs"), HasSubstr("is_even"), Not(HasSubstr("\n")))));
  EXPECT_EQ(evidence.examined + 2, before.examined);
  const auto check = judged(evidence);
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("check rows_in_pairs"));
  run("ALTER TABLE boats DROP CONSTRAINT positive; ALTER TABLE boats ADD CONSTRAINT positive CHECK (seats > 4) NOT "
      "VALID; UPDATE pg_constraint SET convalidated = true WHERE conname = 'positive'");
  EXPECT_EQ(judged(probed()).verdict, Verdict::fail) << "two boats have four seats or fewer";
}

// Keys speak of the table alone that declares them, not of those that inherit from it.
TEST_F(RulesWithFunctions, OfAParentAreNotItsChildrens) {
  run("CREATE TABLE parent (id int PRIMARY KEY, boat int REFERENCES boats); CREATE TABLE child () INHERITS (parent); "
      "INSERT INTO parent VALUES (1, 2), (2, 4); INSERT INTO child VALUES (1, 9999), (1, 9999); "
      "CREATE TABLE grandchildren (id int REFERENCES parent); INSERT INTO grandchildren VALUES (2)");
  const auto sound = probed();
  EXPECT_THAT(sound.broken, IsEmpty());
  run("SET session_replication_role = replica; DELETE FROM ONLY parent WHERE id = 2; INSERT INTO child VALUES (2, 2)");
  const auto harmed = probed();
  ASSERT_EQ(harmed.broken.size(), 1U) << "the child's row is not the one that is referred to";
  EXPECT_EQ(harmed.broken[0].constraint, "grandchildren_id_fkey");
  EXPECT_EQ(harmed.examined, sound.examined);
}

TEST_F(RulesWithFunctions, OfPeriodsAreNotTakenForThoseOfValues) {
  const std::string periods =
      "CREATE EXTENSION btree_gist; CREATE TABLE stays (boat int, during daterange, PRIMARY KEY (boat, during WITHOUT "
      "OVERLAPS)); CREATE TABLE meals (boat int, during daterange, FOREIGN KEY (boat, PERIOD during) REFERENCES stays "
      "(boat, PERIOD during)); "
      "INSERT INTO stays VALUES (1, '[2026-01-01,2026-02-01)'), (1, '[2026-02-01,2026-03-01)'); "
      "INSERT INTO meals VALUES (1, '[2026-01-15,2026-02-15)')";
  if (server_.options().installation.version.major() < 18) {
    EXPECT_THROW(run(periods), backup_engine::base::Error) << "18 brought them";
    return;
  }
  const auto before = probed();
  run(periods);
  const auto evidence = probed();
  EXPECT_THAT(evidence.broken, IsEmpty());
  EXPECT_THAT(evidence.not_evaluated, IsEmpty());
  EXPECT_EQ(evidence.examined, before.examined + 2) << "that the two columns of the key are not null, and no more";
}

}  // namespace
}  // namespace harness::verify

// A --replace that is made to fail at each kind of statement that it runs, late in its transaction and at the end of
// it: nothing is left of any of them. What kinds there are is learned from one that goes through.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/extract/live_run.hpp"
#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::HasSubstr;
using testing::IsSupersetOf;

class InjectedFailure : public TwoDatabases {
 protected:
  InjectedFailure() {
    // Each statement on the catalog is noted in the transaction itself; the n-th of a kind fails where a point says so.
    // The deferred trigger is what fails at COMMIT.
    live(R"(
CREATE TABLE public.noted (tag text);
CREATE TABLE public.point (tag text, n bigint);
CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN
  IF current_setting('application_name') <> 'lifeboat extract' THEN RETURN; END IF;
  INSERT INTO public.noted VALUES (tg_tag);
  IF (tg_tag, (SELECT count(*) FROM public.noted WHERE tag = tg_tag)) IN (SELECT tag, n FROM public.point) THEN
    RAISE EXCEPTION 'injected at %', tg_tag;
  END IF;
END $f$;
CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION public.note();
CREATE FUNCTION public.refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
  IF EXISTS (SELECT FROM public.point WHERE tag = 'COMMIT') THEN RAISE EXCEPTION 'injected at COMMIT'; END IF;
  RETURN NULL;
END $f$;
CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON public.noted DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.refuse_commit())");
  }

  static std::map<std::string, std::string> noted_points() {
    std::map<std::string, std::string> points;
    auto connection = server().connect("live");
    for (const auto& row : connection.query("SELECT tag, count(*) FROM public.noted GROUP BY 1")) {
      points[*row[0]] = *row[1];
    }
    return points;
  }

  // Runs it once as it is, which changes nothing in a sound database, then once for each point.
  void expect_undone_everywhere(const Order& wanted, const std::vector<std::string>& kinds_at_least) {
    const auto definitions_before = definitions("live");
    (void)extracted(wanted);
    auto points = noted_points();
    live("TRUNCATE public.noted");
    std::vector<std::string> kinds;
    for (const auto& [tag, count] : points) kinds.push_back(tag);
    EXPECT_THAT(kinds, IsSupersetOf(kinds_at_least));
    points["COMMIT"] = "1";
    EXPECT_EQ(definitions("live"), definitions_before);
    const auto content_before = content("live");

    // What was taken is still there, and so is the script.
    const Programs programs(installation(), wanted.work_directory, {});
    const auto script = backup_engine::base::read_file(wanted.work_directory / "live.sql");
    for (const auto& [tag, count] : points) {
      live(fmt::format("TRUNCATE public.point; INSERT INTO public.point VALUES ('{}', {})", tag, count));
      try {
        (void)run_live(wanted, programs, script, script_files(wanted.work_directory), {});
        ADD_FAILURE() << "did not fail at " << tag;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::server) << describe(error);
        EXPECT_THAT(error.what(), HasSubstr("injected at " + tag));
      }
      EXPECT_TRUE(noted_points().empty()) << "committed: " << tag;
    }
    live("TRUNCATE public.point");
    EXPECT_EQ(definitions("live"), definitions_before);
    EXPECT_EQ(content("live"), content_before);
  }
};

// Each kind's last one: CREATE TABLE AS is the comparison at the end, ALTER PUBLICATION the last of the dependents.
TEST_F(InjectedFailure, InAPartitionedTableWithAllThatStandsOnItLeavesNothing) {
  expect_undone_everywhere(order(Placement::replace, {"shop.orders"}), {"CREATE TABLE AS",
                                                                        "CREATE TABLE",
                                                                        "DROP TABLE",
                                                                        "DROP VIEW",
                                                                        "DROP MATERIALIZED VIEW",
                                                                        "DROP POLICY",
                                                                        "DROP RULE",
                                                                        "ALTER TABLE",
                                                                        "CREATE SEQUENCE",
                                                                        "GRANT",
                                                                        "CREATE INDEX",
                                                                        "CREATE STATISTICS",
                                                                        "CREATE TRIGGER",
                                                                        "CREATE RULE",
                                                                        "CREATE POLICY",
                                                                        "CREATE VIEW",
                                                                        "CREATE MATERIALIZED VIEW",
                                                                        "REFRESH MATERIALIZED VIEW",
                                                                        "COMMENT",
                                                                        "ALTER PUBLICATION"});
}

TEST_F(InjectedFailure, InASchemaLeavesNothing) {
  auto wanted = order(Placement::replace, {});
  wanted.selection.schema = "inventory";
  expect_undone_everywhere(wanted, {"DROP SCHEMA", "CREATE SCHEMA", "CREATE FUNCTION", "CREATE TABLE AS"});
}

TEST_F(InjectedFailure, AmongRowsLeavesNothing) {
  make_scratch();
  auto wanted = order(Placement::replace, {"inventory.movements"});
  wanted.selection.where = "product_id < 5";
  expect_undone_everywhere(wanted, {"ALTER TABLE", "CREATE TABLE AS"});
}

// COPY and the keys' own checks are no statements on the catalog.
TEST_F(InjectedFailure, InTheRowsThemselvesLeavesNothing) {
  const std::string hated = "CREATE FUNCTION public.hated(bigint) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN ";
  make_scratch(hated + "RETURN false; END $f$; ALTER TABLE shop.payments ADD CHECK (NOT public.hated(payment_id))");
  live(hated + "IF $1 = 200 THEN RAISE EXCEPTION 'injected in a row'; END IF; RETURN false; END $f$");
  const auto before = definitions("live");
  const auto content_before = content("live");
  try {
    (void)extract(order(Placement::replace, {"shop.payments"}), progress_);
    ADD_FAILURE() << "did not fail";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::server) << describe(error);
    EXPECT_THAT(error.what(), HasSubstr("injected in a row"));
  }
  EXPECT_EQ(definitions("live"), before);
  EXPECT_EQ(content("live"), content_before);
}

}  // namespace
}  // namespace harness::extract

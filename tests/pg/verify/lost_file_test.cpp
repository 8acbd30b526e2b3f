// A table whose file is gone: named by the content check, and no reason to leave out the others.
#include <gmock/gmock.h>

#include "harness/verify/content_probe.hpp"
#include "harness/verify/judge.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using reports::record::Verdict;
using testing::HasSubstr;
using testing::SizeIs;

class LostFile : public server::DisposableCluster {
 protected:
  LostFile() : server_(started(options())) {
    server_.connect().execute(
        "CREATE TABLE lost (id int PRIMARY KEY); CREATE TABLE whole (id int PRIMARY KEY); CREATE TABLE empty (id int "
        "PRIMARY KEY)");
    server_.connect().execute(
        "INSERT INTO lost SELECT generate_series(1, 10); INSERT INTO whole TABLE lost; CHECKPOINT");
    mark_.name = "before";
    mark_.content = probe_content(cluster());
  }
  [[nodiscard]] Cluster cluster() const { return cluster_of(server_, "postgres"); }
  [[nodiscard]] reports::record::Check judged() const {
    Records records;
    records.marks = {mark_};
    records.evidence.content_mark = mark_.name;
    records.evidence.content = probe_content(cluster(), &mark_.content);
    return judge({{scenario::CheckKind::content, {}}}, records).checks.at(0);
  }

  server::Server server_;
  reports::record::Mark mark_;
};

TEST_F(LostFile, IsNamedAndTheOtherTablesAreCompared) {
  EXPECT_EQ(judged().verdict, Verdict::pass) << judged().summary;
  const auto file = server_.connect().query("SELECT pg_relation_filepath('lost')").single();
  ASSERT_TRUE(std::filesystem::remove(server_.options().data_directory / file));
  auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::fail) << check.summary;
  ASSERT_THAT(check.findings, SizeIs(1));
  EXPECT_EQ(check.findings[0].object, "public.lost");
  EXPECT_THAT(check.findings[0].text, HasSubstr("a file of it cannot be opened"));
  server_.connect().execute("DELETE FROM whole WHERE id = 5");
  check = judged();
  EXPECT_THAT(check.findings, SizeIs(2));
  // Of which the mark has no ranges.
  std::filesystem::remove(server_.options().data_directory /
                          server_.connect().query("SELECT pg_relation_filepath('empty')").single());
  check = judged();
  EXPECT_THAT(check.findings, SizeIs(3));
}

}  // namespace
}  // namespace harness::verify

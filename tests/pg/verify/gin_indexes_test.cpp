// GIN indexes and the amcheck that a database has: an extension is of the version that it was created or last updated
// in, whatever the server's.
#include <gmock/gmock.h>

#include "harness/verify/judge.hpp"
#include "harness/verify/tool_runs.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using reports::record::Verdict;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class GinIndexes : public server::DisposableCluster {
 protected:
  // Two databases with a GIN index each, of which one has an amcheck of old; the other is lent the newest.
  GinIndexes() : server_(started(options())) {
    for (const auto* const database : {"newest", "older"}) {
      server_.connect().execute(std::string("CREATE DATABASE ") + database);
      server_.connect(database).execute(
          "CREATE TABLE words (tags text[]); INSERT INTO words SELECT ARRAY[i::text, 'all'] FROM generate_series(1, "
          "50) "
          "AS i; CREATE INDEX words_by_tag ON words USING gin (tags)");
    }
    server_.connect("older").execute("CREATE EXTENSION amcheck VERSION '1.3'");
    ToolOptions tools;
    tools.bin_directory = server_.options().installation.bin_directory;
    run_ = run_amcheck(tools, cluster_of(server_, "postgres"),
                       {"--host", server_.socket_directory().string(), "--username", "postgres"});
  }
  [[nodiscard]] Judgement judged() const {
    Records records;
    records.evidence.amcheck = run_;
    return judge({{scenario::CheckKind::amcheck, {}}}, records);
  }

  server::Server server_;
  reports::record::ToolRun run_;
};

TEST_F(GinIndexes, ThatAnOlderAmcheckCannotSeeAreNamedAndNotCounted) {
  const auto judgement = judged();
  EXPECT_EQ(judgement.checks.at(0).verdict, Verdict::pass) << run_.output;
  EXPECT_THAT(judgement.not_tested, Contains(AllOf(HasSubstr("older.public.words_by_tag"),
                                                   HasSubstr("amcheck 1.3 of database \"older\" has no gin_index_"))));
  const bool seen_by_the_newest = server_.options().installation.version.major() >= 18;
  EXPECT_THAT(run_.output, HasSubstr(seen_by_the_newest ? "GIN indexes examined: 1\n" : "GIN indexes examined: 0\n"));
  const auto names_the_other = Contains(HasSubstr("newest.public.words_by_tag"));
  if (seen_by_the_newest) {
    EXPECT_THAT(judgement.not_tested, Not(names_the_other));
  } else {
    EXPECT_THAT(judgement.not_tested, names_the_other);
  }
}

}  // namespace
}  // namespace harness::verify

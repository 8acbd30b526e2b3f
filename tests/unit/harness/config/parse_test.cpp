#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/file.hpp"
#include "tests/support/places.hpp"
#include "tests/unit/harness/config/written_config.hpp"

namespace harness::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// The first YAML block of the page.
std::string documented_example() {
  const auto page = backup_engine::base::read_file(tests::source_directory() / "docs/configuration.md");
  const std::string fence = "```yaml\n";
  const auto begin = page.find(fence) + fence.size();
  return page.substr(begin, page.find("```", begin) - begin);
}

TEST(LoadConfig, TakesTheDocumentedExample) {
  const auto config = WrittenConfig(documented_example()).load();
  ASSERT_THAT(config.clusters, SizeIs(3));
  const auto& main = config.clusters[0];
  EXPECT_EQ(main.name, "main");
  EXPECT_EQ(main.connection, "host=/run/postgresql port=5432 user=lifeboat dbname=postgres");
  EXPECT_EQ(main.pgdata, "/var/lib/postgresql/15/main");
  EXPECT_EQ(main.repository, "/srv/lifeboat");
  EXPECT_EQ(main.key_file, "/etc/lifeboat/repository.key");
  EXPECT_EQ(main.slot, "lifeboat");
  ASSERT_THAT(main.contacts, SizeIs(2));
  EXPECT_EQ(main.contacts[1].phone, "+49 30 5550101");
}

TEST(LoadConfig, ReplacesAWholeDefaultByTheClustersOwnKey) {
  const auto clusters = WrittenConfig(documented_example()).load().clusters;
  EXPECT_EQ(clusters[0].objectives.any.rto, "1h");
  EXPECT_THAT(clusters[0].objectives.large.rto, IsEmpty());
  EXPECT_THAT(clusters[1].objectives.any.rto, IsEmpty());
  EXPECT_EQ(clusters[1].objectives.any.rpo, "24h");
  EXPECT_EQ(clusters[1].objectives.large.rto, "3h");
  EXPECT_EQ(clusters[2].repository, "/srv/lifeboat-archive");
  EXPECT_EQ(clusters[2].slot, "lifeboat_archive");
}

TEST(LoadConfig, TakesTheSizeToWhichAnRtoIsExtrapolated) {
  const auto with_size = [](const std::string& size) {
    return "clusters: { main: { repository: /r, objectives: { rto: 1h, at_size: " + size + " } } }";
  };
  EXPECT_EQ(WrittenConfig(with_size("1.5TB")).load().clusters.at(0).objectives.at_size, "1.5TB");
  EXPECT_THAT(refusal_of(with_size("500")), HasSubstr("at_size must be a size, not 500"));
  EXPECT_THAT(refusal_of(with_size("[1GB, 2GB]")), HasSubstr("at_size"));
}

TEST(LoadConfig, TakesPathsFromTheFoldersOfItsFile) {
  const WrittenConfig written("clusters: { main: { repository: ../repo, key_file: keys/k, pgdata: /data } }");
  const auto cluster = written.load().clusters.at(0);
  EXPECT_EQ(cluster.repository, (written.folder().parent_path() / "repo").string());
  EXPECT_EQ(cluster.key_file, written.folder() / "keys" / "k");
  EXPECT_EQ(cluster.pgdata, "/data");
}

TEST(LoadConfig, TakesAClusterThatIsAllDefaults) {
  const auto config = WrittenConfig("defaults: { repository: /r }\nclusters:\n  main:\n  crm: {}\n").load();
  EXPECT_THAT(config.clusters, ElementsAre(Field(&Cluster::name, "main"), Field(&Cluster::name, "crm")));
  EXPECT_EQ(config.clusters[0].repository, "/r");
}

TEST(LoadConfig, RefusesUnknownKeysWhereTheyStand) {
  EXPECT_THAT(refusal_of("cluster: {}\n"), AllOf(StartsWith("1:1: unknown key of lifeboat.yaml \"cluster\""),
                                                 HasSubstr("did you mean \"clusters\"?")));
  EXPECT_THAT(refusal_of("clusters:\n  main:\n    repository: /r\n    conection: host=/s\n"),
              AllOf(StartsWith("4:5: unknown key of the cluster main \"conection\""),
                    HasSubstr("did you mean \"connection\"?")));
  EXPECT_THAT(refusal_of("defaults: { pgdata: /d }\nclusters: {}\n"), StartsWith("1:13: unknown key of defaults"));
  EXPECT_THAT(refusal_of("clusters: { m: { repository: /r, objectives: { huge: {} } } }"), HasSubstr("\"huge\""));
}

TEST(LoadConfig, RefusesByNameWhatIsNotDelivered) {
  for (const auto* const key : {"history", "notices", "targets"}) {
    EXPECT_THAT(refusal_of("clusters: { m: { repository: /r } }\n" + std::string(key) + ": {}\n"),
                StartsWith("2:1: key of lifeboat.yaml \"" + std::string(key) + "\" is not delivered yet"));
  }
}

TEST(LoadConfig, RefusesAClusterThatStandsThereTwice) {
  EXPECT_THAT(refusal_of("clusters:\n  main: { repository: /r }\n  main: { repository: /s }\n"),
              StartsWith("3:3: clusters has the key \"main\" twice"));
}

TEST(LoadConfig, RefusesAFileWithoutClusters) {
  EXPECT_THAT(refusal_of(""),
              AllOf(StartsWith("1:1: the file holds no configuration"), HasSubstr("docs/configuration.md")));
  EXPECT_THAT(refusal_of("defaults: {}\n"), StartsWith("1:1: lifeboat.yaml lacks the key \"clusters\""));
  EXPECT_THAT(refusal_of("clusters: {}\n"), StartsWith("1:11: clusters names no cluster"));
}

TEST(LoadConfig, RefusesAPasswordWithoutRepeatingIt) {
  const auto refused = refusal_of("clusters:\n  main:\n    repository: /r\n    connection: host=/s password=hunter2\n");
  EXPECT_THAT(refused, AllOf(StartsWith("4:17: the connection string holds a password"), HasSubstr("passfile"),
                             Not(HasSubstr("hunter2"))));
}

TEST(LoadConfig, RefusesAConnectionThatLibpqCannotRead) {
  EXPECT_THAT(refusal_of("clusters: { main: { repository: /r, connection: hots=/s } }"),
              StartsWith("1:49: the connection string cannot be parsed"));
}

TEST(LoadConfig, RefusesAClusterWithoutRepository) {
  EXPECT_THAT(refusal_of("clusters:\n  main: { connection: host=/s }\n"),
              StartsWith("2:3: the cluster main has no repository"));
}

TEST(LoadConfig, RefusesNamesThatTheRepositoryOrPostgresqlWouldRefuse) {
  EXPECT_THAT(refusal_of("clusters: { -x: { repository: /r } }"), HasSubstr("is no name for a cluster"));
  EXPECT_THAT(refusal_of("clusters: { a/b: { repository: /r } }"), HasSubstr("is no name for a cluster"));
  EXPECT_THAT(refusal_of("clusters: { m: { repository: /r, slot: My-Slot } }"),
              HasSubstr("is no name of a replication slot"));
}

TEST(LoadConfig, RefusesWhatIsNoDurationPathOrContact) {
  EXPECT_THAT(refusal_of("clusters: { m: { repository: /r, objectives: { rto: 30 } } }"),
              HasSubstr("rto must be a duration, not 30"));
  EXPECT_THAT(refusal_of("clusters: { m: { repository: ~/r } }"), HasSubstr("only a shell understands"));
  EXPECT_THAT(refusal_of("clusters: { m: { repository: /r, contacts: [{ name: Ada }] } }"),
              HasSubstr("nobody can reach Ada"));
  EXPECT_THAT(refusal_of("clusters: { m: { repository: /r, contacts: [] } }"), HasSubstr("contacts lists nobody"));
}

TEST(LoadConfig, RefusesAFileThatCannotBeRead) {
  const WrittenConfig written("");
  try {
    static_cast<void>(load(written.folder(), backup_engine::postgres::refuse_password));
    FAIL() << "a folder was read";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
    EXPECT_THAT(error.what(),
                AllOf(StartsWith("the configuration cannot be read"), HasSubstr(written.folder().string())));
  }
}

}  // namespace
}  // namespace harness::config

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/scenario/language.hpp"
#include "tests/unit/harness/config/written_config.hpp"

namespace harness::config {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

Config two_clusters() {
  Config config;
  config.file = "/etc/lifeboat.yaml";
  config.clusters.resize(2);
  config.clusters[0].name = "main";
  config.clusters[0].repository = "/srv/backups";
  config.clusters[1].name = "crm";
  return config;
}

TEST(ClusterNamed, FindsItOrNamesTheNearest) {
  const auto config = two_clusters();
  EXPECT_EQ(cluster_named(config, "crm").name, "crm");
  try {
    static_cast<void>(cluster_named(config, "mian"));
    FAIL() << "there is no such cluster";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
    EXPECT_STREQ(error.what(), "/etc/lifeboat.yaml knows no cluster mian");
    EXPECT_THAT(error.remedy(), HasSubstr("did you mean \"main\"?"));
  }
}

TEST(VariablesFor, HoldWhatTheClusterSaysAndNothingElse) {
  auto config = two_clusters();
  config.clusters[0].objectives.large.rto = "3h";
  const auto variables = variables_for(config, config.clusters[0]);
  EXPECT_THAT(variables.values, UnorderedElementsAre(Pair("cluster", "main"), Pair("repository", "/srv/backups"),
                                                     Pair("rto_large", "3h")));
  EXPECT_EQ(variables.origin, "the cluster main of /etc/lifeboat.yaml");
}

TEST(VariablesFor, AreExactlyThoseThatScenariosKnow) {
  auto config = two_clusters();
  auto& cluster = config.clusters[0];
  cluster.connection = cluster.slot = "x";
  cluster.pgdata = cluster.key_file = "/x";
  cluster.objectives = {{"1s", "1s"}, {"1s", "1s"}, {"1s", "1s"}, {"1s", "1s"}, "1TB"};
  const auto given = variables_for(config, cluster).values;
  EXPECT_EQ(given.size(), scenario::variable_names.size());
  for (const auto name : scenario::variable_names) EXPECT_TRUE(given.contains(std::string(name))) << name;
}

TEST(ContactToString, SaysWhoAndHow) {
  EXPECT_EQ(to_string(Contact{"Ada", "first", "ada@example.org", "+49 1", "24/7"}),
            "Ada (first), ada@example.org, +49 1, 24/7");
  EXPECT_EQ(to_string(Contact{"Ada", "", "", "+49 1", ""}), "Ada, +49 1");
}

}  // namespace
}  // namespace harness::config

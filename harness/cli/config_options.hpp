// The options that have to do with lifeboat.yaml (docs/configuration.md). Parsing touches nothing, not that file
// either.
#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace harness::cli {

// For which clusters of lifeboat.yaml scenarios are filled; neither: for none.
struct ClusterChoice {
  std::string cluster;
  bool all = false;
  [[nodiscard]] bool any() const { return all || !cluster.empty(); }
};

// --cluster and --all-clusters, of which one excludes the other.
void add_cluster_choice(CLI::App& verb, ClusterChoice& choice);

// --config to every verb below `app` that may go without --repo, that has --all-clusters, or is called `other`.
void add_config(CLI::App& app, std::filesystem::path& config, const std::string& other);

}  // namespace harness::cli

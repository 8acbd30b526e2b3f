#include "harness/cli/config_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace harness::cli {

void add_cluster_choice(CLI::App& verb, ClusterChoice& choice) {
  auto* cluster = verb.add_option("--cluster", choice.cluster,
                                  "fill the scenarios' variables from this cluster of "
                                  "lifeboat.yaml");
  verb.add_flag("--all-clusters", choice.all, "from each cluster of it, one drill each")->excludes(cluster);
}

void add_config(CLI::App& app, std::filesystem::path& config, const std::string& other) {
  for (auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    add_config(*verb, config, other);
    const auto* const repository = verb->get_option_no_throw("--repo");
    const bool takes_it = (repository != nullptr && !repository->get_required()) ||
                          verb->get_option_no_throw("--all-clusters") != nullptr || verb->get_name() == other;
    if (!takes_it) continue;
    verb->add_option("--config", config,
                     "where what is not said here stands (LIFEBOAT_CONFIG, ./lifeboat.yaml, "
                     "/etc/lifeboat.yaml)")
        ->type_name("FILE");
  }
}

}  // namespace harness::cli

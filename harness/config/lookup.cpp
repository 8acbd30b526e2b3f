#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/config/config.hpp"
#include "harness/scenario/suggestion.hpp"

namespace harness::config {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

const Cluster& cluster_named(const Config& config, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& cluster : config.clusters) {
    if (cluster.name == name) return cluster;
    names.push_back(cluster.name);
  }
  throw Error(ErrorKind::usage, fmt::format("{} knows no cluster {}", config.file.string(), name))
      .with_remedy(scenario::suggestion(name, names));
}

scenario::Variables variables_for(const Config& config, const Cluster& cluster) {
  const auto& promised = cluster.objectives;
  scenario::Variables result;
  result.values = {
      {"cluster", cluster.name},          {"repository", cluster.repository},  {"key_file", cluster.key_file.string()},
      {"connection", cluster.connection}, {"pgdata", cluster.pgdata.string()}, {"slot", cluster.slot},
      {"rto", promised.any.rto},          {"rpo", promised.any.rpo},           {"rto_small", promised.small.rto},
      {"rpo_small", promised.small.rpo},  {"rto_medium", promised.medium.rto}, {"rpo_medium", promised.medium.rpo},
      {"rto_large", promised.large.rto},  {"rpo_large", promised.large.rpo},   {"at_size", promised.at_size}};
  std::erase_if(result.values, [](const auto& entry) { return entry.second.empty(); });
  result.origin = fmt::format("the cluster {} of {}", cluster.name, config.file.string());
  return result;
}

std::string to_string(const Contact& contact) {
  auto text = contact.role.empty() ? contact.name : fmt::format("{} ({})", contact.name, contact.role);
  for (const auto* const part : {&contact.email, &contact.phone, &contact.hours}) {
    if (!part->empty()) text += ", " + *part;
  }
  return text;
}

}  // namespace harness::config

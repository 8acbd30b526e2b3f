#include "harness/cli/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/config/location.hpp"

namespace harness::cli {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
namespace fs = std::filesystem;

namespace {

// What goes together in lifeboat.yaml is taken together: a key file only with the repository, a data directory only
// with the connection. The other one of a pair would otherwise belong to something else than what the command line
// names.
class Completion {
 public:
  explicit Completion(fs::path given) : given_(std::move(given)) {
    if (!given_.empty()) config_ = load_configuration(*configuration_file(given_));
  }

  void operator()(BackupVerb& verb) {
    auto& request = verb.request;
    repository(request.repository, request.cluster);
    if (connection(request.conninfo, request.cluster) && request.pgdata.empty()) {
      request.pgdata = cluster(request.cluster, "--pgdata").pgdata;
    }
    if (verb.drill && config_) promise(request.cluster, *verb.drill);
  }
  void operator()(ListVerb& verb) { repository(verb.repository, verb.cluster.value_or("")); }
  void operator()(VerifyVerb& verb) { repository(verb.repository, verb.cluster.value_or("")); }
  void operator()(ExpireVerb& verb) { repository(verb.request.repository, verb.request.cluster.value_or("")); }
  void operator()(RestoreVerb& verb) { repository(verb.request.repository, verb.request.cluster); }
  void operator()(ExtractVerb& verb) { repository(verb.repository, verb.cluster); }
  void operator()(WalPushVerb& verb) { repository(verb.request.repository, verb.request.cluster); }
  void operator()(WalFetchVerb& verb) {
    if (verb.request.socket.empty()) repository(verb.request.repository, verb.request.cluster);
  }
  void operator()(WalCheckVerb& verb) {
    auto& request = verb.request;
    if (!repository(request.repository, request.cluster) || !request.conninfo.empty()) return;
    request.conninfo = cluster(request.cluster, "--dbname").connection;
  }
  void operator()(WalReceiveVerb& verb) {
    auto& request = verb.request;
    repository(request.repository, request.cluster);
    connection(request.conninfo, request.cluster);
    if (request.slot.empty()) request.slot = required(cluster(request.cluster, "--slot"), "--slot", "slot");
  }
  void operator()(RunVerb& verb) { verb.fillings = fillings(verb.clusters); }
  void operator()(PlanVerb& verb) { (*this)(verb.run); }
  void operator()(ValidateVerb& verb) { verb.fillings = fillings(verb.clusters); }
  template <typename Verb>
  void operator()(Verb& /*verb*/) {}

 private:
  // `for_what` is what the command line did not say, or says and only this file explains.
  const config::Config& needed(std::string_view for_what) {
    if (config_) return *config_;
    const auto file = configuration_file({});
    if (!file) {
      throw Error(ErrorKind::usage, fmt::format("{}, and there is no lifeboat.yaml", for_what))
          .with_remedy("say it on the command line, or write lifeboat.yaml, as docs/configuration.md shows");
    }
    config_ = load_configuration(*file);
    return *config_;
  }
  const config::Cluster& cluster(const std::string& name, std::string_view option) {
    return config::cluster_named(needed(fmt::format("{} was not given", option)), name);
  }

  const config::Cluster& cluster_of_one_repository() {
    const auto& config = needed("--repo was not given");
    const auto& first = config.clusters.front();
    for (const auto& other : config.clusters) {
      if (other.repository == first.repository && other.key_file == first.key_file) continue;
      throw Error(ErrorKind::usage, fmt::format("--repo was not given, and {} has several: that of {} and that of {}",
                                                config.file.string(), first.name, other.name))
          .with_remedy("say which with --cluster or --repo");
    }
    return first;
  }

  // Whether it came from the file. Without a cluster the command is about a whole repository.
  bool repository(backup_engine::RepositoryLocation& location, const std::string& name) {
    if (!location.text.empty()) return false;
    const auto& said = name.empty() ? cluster_of_one_repository() : cluster(name, "--repo");
    location.text = said.repository;
    if (location.key_file.empty()) location.key_file = said.key_file;
    return true;
  }
  bool connection(std::string& conninfo, const std::string& name) {
    if (!conninfo.empty()) return false;
    conninfo = required(cluster(name, "--dbname"), "--dbname", "connection");
    return true;
  }
  std::string required(const config::Cluster& said, std::string_view option, std::string_view key) {
    const auto& value = key == "slot" ? said.slot : said.connection;
    if (!value.empty()) return value;
    throw Error(ErrorKind::usage, fmt::format("{} was not given, and the cluster {} of {} has no {}", option, said.name,
                                              config_->file.string(), key))
        .with_remedy(fmt::format("give {}, or add \"{}:\" to the cluster", option, key));
  }

  // A drill of a cluster that this file knows is held to what the file promises.
  void promise(const std::string& name, RunVerb& drill) {
    const auto& clusters = config_->clusters;
    const auto found = std::find_if(clusters.begin(), clusters.end(), [&](const auto& c) { return c.name == name; });
    if (found != clusters.end()) drill.fillings = {{name, config::variables_for(*config_, *found), {}}};
  }

  std::vector<Filling> fillings(const ClusterChoice& choice) {
    std::vector<Filling> result;
    if (!choice.any()) return result;
    const auto add = [&](const config::Config& config, const config::Cluster& named) {
      result.push_back({named.name, config::variables_for(config, named), {}});
      for (const auto& contact : named.contacts) result.back().contacts.push_back(config::to_string(contact));
    };
    const auto& config =
        needed(choice.all ? "--all-clusters means those of lifeboat.yaml" : "--cluster means one of lifeboat.yaml");
    if (!choice.all) add(config, config::cluster_named(config, choice.cluster));
    if (choice.all) {
      for (const auto& each : config.clusters) add(config, each);
    }
    return result;
  }

  fs::path given_;
  std::optional<config::Config> config_;
};

}  // namespace

std::optional<fs::path> configuration_file(const fs::path& given) {
  const char* const environment = std::getenv("LIFEBOAT_CONFIG");
  return config::find_config({given, environment == nullptr ? "" : environment, fs::current_path()});
}

config::Config load_configuration(const fs::path& file) {
  return config::load(file, backup_engine::postgres::refuse_password);
}

void complete(Command& command) {
  if (std::holds_alternative<ShowText>(command.verb)) return;
  // Doctor reads the file itself: that it is wrong is a finding there.
  if (auto* const doctor = std::get_if<DoctorVerb>(&command.verb)) {
    doctor->config = command.config;
    return;
  }
  Completion completion(command.config);
  std::visit(completion, command.verb);
}

}  // namespace harness::cli

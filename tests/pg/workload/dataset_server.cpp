#include "tests/pg/workload/dataset_server.hpp"

#include <cstdlib>

#include "backup_engine/base/file.hpp"
#include "harness/provision/provision.hpp"
#include "tests/pg/server/test_installation.hpp"
#include "tests/support/places.hpp"

namespace harness::workload {

namespace fs = std::filesystem;
using backup_engine::postgres::Connection;

namespace {
const fs::path fixtures = tests::source_directory() / "fixtures";
constexpr std::uint64_t seed = 42;
}  // namespace

DatasetServer::DatasetServer(const std::string& dataset)
    : user_(server::resolve_server_user("")),
      directory_(server::OwnedDirectory::create("/var/tmp", user_)),
      installation_(server::test_installation()),
      dataset_(read_dataset(fixtures, dataset)) {
  provision::ClusterOptions cluster;
  cluster.installation = installation_;
  cluster.data_directory = data_directory();
  cluster.settings = {{"max_connections", "30"}, {"shared_buffers", "64MB"}, {"wal_keep_size", "1GB"}};
  cluster.run_as = user_;
  provision::make_cluster(cluster);
  start();
  load_dataset(dataset_, conninfo(), installation_, 1, seed, soon());
}

void DatasetServer::start() {
  server::ServerOptions options;
  options.installation = installation_;
  options.data_directory = data_directory();
  options.log_file = directory_.path() / "server.log";
  options.run_as = user_;
  server_.emplace(server::Server::start(options));
  server_->wait_until_ready(soon());
}

void DatasetServer::reload() {
  for (const auto& database : dataset_.databases) {
    server_->connect().execute("DROP DATABASE " + backup_engine::postgres::quote_identifier(database.name) +
                               " WITH (FORCE)");
  }
  load_dataset(dataset_, conninfo(), installation_, 1, seed, soon());
}

std::map<std::int64_t, int> DatasetServer::ledger_ids() const {
  std::map<std::int64_t, int> ids;
  for (const auto& row : connect().query("SELECT id FROM lifeboat.ledger")) ++ids[std::stoll(*row[0])];
  return ids;
}

std::string DatasetServer::content() const {
  auto connection = connect();
  const auto tables = connection.query(
      "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace NOT IN "
      "('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1");
  std::string all;
  for (const auto& table : tables) {
    // Large objects are numbered by the cluster, and differ between two loads of one dataset.
    all += *table[0] + " " +
           connection
               .query(
                   "SELECT md5(coalesce(string_agg(md5((to_jsonb(t) - 'content')::text), '' ORDER BY "
                   "md5((to_jsonb(t) - 'content')::text)), '')) FROM " +
                   *table[0] + " AS t")
               .single() +
           "\n";
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> rules_of(const std::string& name) {
  static const std::string marker = "-- name: ";
  const auto text = backup_engine::base::read_file(fixtures / "checks" / (name + ".sql"));
  std::vector<std::pair<std::string, std::string>> rules;
  for (auto at = text.find(marker); at != std::string::npos;) {
    const auto name_begin = at + marker.size();
    const auto name_end = text.find('\n', name_begin);
    at = text.find(marker, name_end);
    rules.emplace_back(text.substr(name_begin, name_end - name_begin), text.substr(name_end, at - name_end));
  }
  return rules;
}

std::vector<std::string> broken_rules(Connection& connection, const std::string& name) {
  std::vector<std::string> broken;
  for (const auto& [rule, statement] : rules_of(name)) {
    const auto rows = connection.query(statement);
    if (!rows.empty()) broken.push_back(rule + ": " + rows[0].at(0).value_or("NULL"));
  }
  return broken;
}

scenario::LoadProfile profile_of(unsigned writers) {
  scenario::LoadProfile profile;
  profile.writers = writers;
  return profile;
}

}  // namespace harness::workload

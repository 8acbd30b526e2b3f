#include "tests/pg/extract/two_databases.hpp"

#include <fmt/format.h>

#include <sstream>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/provision/provision.hpp"
#include "harness/workload/dataset.hpp"
#include "tests/pg/server/test_installation.hpp"
#include "tests/support/places.hpp"

namespace harness::extract {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using backup_engine::postgres::Connection;

namespace {

const fs::path source(tests::source_directory());

base::Deadline soon() {
  return base::Deadline::after(std::chrono::minutes(5));
}

// One server for all tests of a program, with the source's database in it.
struct Source {
  std::optional<process::OsUser> user = server::resolve_server_user("");
  server::OwnedDirectory directory = server::OwnedDirectory::create("/var/tmp", user);
  server::Installation installation = server::test_installation();
  std::optional<server::Server> server;

  Source() {
    provision::ClusterOptions cluster;
    cluster.installation = installation;
    cluster.data_directory = directory.path() / "data";
    cluster.settings = {{"wal_level", "logical"}, {"max_connections", "30"}, {"max_prepared_transactions", "4"}};
    cluster.run_as = user;
    provision::make_cluster(cluster);
    server::ServerOptions options;
    options.installation = installation;
    options.data_directory = cluster.data_directory;
    options.log_file = directory.path() / "server.log";
    options.run_as = user;
    server.emplace(server::Server::start(options));
    server->wait_until_ready(soon());
    const auto dataset = workload::read_dataset(source / "fixtures", "ecommerce");
    workload::load_dataset(dataset, server->conninfo(), installation, 1, 42, soon());
    server->connect("shop").execute(base::read_file(source / "tests/pg/extract/more_objects.sql"));
    server->connect().execute("ALTER DATABASE shop RENAME TO source");
  }
};

std::unique_ptr<Source> the_source;

// Out of the way, until its server goes: to drop a database waits for a checkpoint.
void set_aside(const std::string& name) {
  static int count = 0;
  auto connection = the_source->server->connect();
  connection.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", {name});
  if (connection.query("SELECT count(*) FROM pg_database WHERE datname = $1", {name}).single() == "0") return;
  connection.execute(fmt::format("ALTER DATABASE {} RENAME TO was_{}_{}", name, name, ++count));
}

// What differs from run to run, and is nobody's attribute.
bool is_noise(const std::string& line) {
  return line.starts_with("\\restrict") || line.starts_with("\\unrestrict") || line.starts_with("--");
}

}  // namespace

void TwoDatabases::SetUpTestSuite() {
  the_source = std::make_unique<Source>();
}

void TwoDatabases::TearDownTestSuite() {
  the_source.reset();
}

TwoDatabases::TwoDatabases() : work_(server::OwnedDirectory::create("/var/tmp", std::nullopt)) {
  run("postgres", "CREATE DATABASE live TEMPLATE source");
}

TwoDatabases::~TwoDatabases() {
  for (const auto* const name : {"live", "scratch"}) {
    try {
      set_aside(name);
    } catch (const base::Error& error) {
      ADD_FAILURE() << describe(error);
    }
  }
}

void TwoDatabases::make_scratch(const std::string& harm) {
  set_aside("scratch");
  run("postgres", "CREATE DATABASE scratch TEMPLATE source");
  if (!harm.empty()) run("scratch", harm);
}

server::Server& TwoDatabases::server() {
  return *the_source->server;
}

const server::Installation& TwoDatabases::installation() {
  return the_source->installation;
}

std::string TwoDatabases::conninfo(const std::string& database) {
  return server().conninfo(database);
}

Order TwoDatabases::order(Placement placement, std::vector<std::string> tables) {
  Order made;
  made.selection.tables = std::move(tables);
  made.placement = placement;
  if (placement == Placement::beside) made.suffix = "restored";
  made.live_conninfo = conninfo("live");
  const bool changes_it = placement == Placement::beside;
  if (changes_it && ask("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'scratch'") == "0")
    make_scratch();
  const bool has_one = ask("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'scratch'") == "1";
  made.scratch_conninfo = conninfo(has_one ? "scratch" : "source");
  made.installation = installation();
  made.work_directory = work_->path();
  made.lock_timeout = std::chrono::milliseconds(1000);
  return made;
}

Extracted TwoDatabases::extracted(const Order& wanted) {
  try {
    return extract(wanted, progress_);
  } catch (const base::Error& error) {
    ADD_FAILURE() << describe(error);
    throw;
  }
}

void TwoDatabases::run(const std::string& database, const std::string& sql) {
  server().connect(database).execute(sql);
}

std::string TwoDatabases::ask(const std::string& database, const std::string& sql) {
  return server().connect(database).query(sql).single();
}

std::string TwoDatabases::definitions(const std::string& database, const std::vector<std::string>& chosen) {
  process::Command command;
  command.program = installation().program("pg_dump");
  command.arguments = {"--schema-only", "--dbname", conninfo(database)};
  command.arguments.insert(command.arguments.end(), chosen.begin(), chosen.end());
  const auto done = process::run(command, soon());
  EXPECT_TRUE(done.status.success()) << done.output;
  std::istringstream lines(done.output);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!is_noise(line) && !line.empty()) text += line + "\n";
  }
  return text;
}

std::map<std::string, std::string> TwoDatabases::content(const std::string& database) {
  auto connection = server().connect(database);
  std::map<std::string, std::string> digests;
  for (const auto& row : connection.query("SELECT format('%I.%I', n.nspname, c.relname), c.relkind FROM pg_class c "
                                          "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm', "
                                          "'S') AND c.relispopulated AND n.nspname !~ '^pg_' AND n.nspname <> "
                                          "'information_schema' ORDER BY 1")) {
    const auto what = row[1] == "S" ? fmt::format("SELECT last_value || ' ' || is_called FROM {}", *row[0])
                                    : fmt::format(
                                          "SELECT count(*) || ' ' || md5(coalesce(string_agg(md5(t::text), '' ORDER BY "
                                          "md5(t::text)), '')) FROM ONLY {} AS t",
                                          *row[0]);
    digests[*row[0]] = connection.query(what).single();
  }
  return digests;
}

void TwoDatabases::expect_alike(const std::string& database, const std::string& as_in) {
  EXPECT_EQ(definitions(database), definitions(as_in));
  EXPECT_EQ(content(database), content(as_in));
}

std::vector<std::string> TwoDatabases::words_of(const std::vector<reports::record::Finding>& findings) {
  std::vector<std::string> words;
  for (const auto& finding : findings) words.push_back(finding.object + ": " + finding.text);
  return words;
}

}  // namespace harness::extract

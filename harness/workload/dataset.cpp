#include "harness/workload/dataset.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::workload {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_identifier;
using backup_engine::postgres::with_keyword;

namespace {

constexpr std::string_view application_name = "lifeboat-dataset";

Error bad_manifest(const fs::path& manifest, const YAML::Mark& where, const std::string& what) {
  return Error(ErrorKind::usage, fmt::format("{}:{}:{}: {}", manifest.string(), where.line + 1, where.column + 1, what))
      .with_remedy("correct the dataset's manifest; docs/datasets.md describes its keys");
}

void refuse_unknown_keys(const fs::path& manifest, const YAML::Node& node, const std::set<std::string>& known) {
  if (!node.IsMap()) throw bad_manifest(manifest, node.Mark(), "a mapping is wanted here");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (!known.contains(key)) throw bad_manifest(manifest, entry.first.Mark(), fmt::format("unknown key '{}'", key));
  }
}

std::string text_of(const fs::path& manifest, const YAML::Node& parent, const char* key) {
  const auto node = parent[key];
  if (!node || !node.IsScalar() || node.Scalar().empty()) {
    throw bad_manifest(manifest, parent.Mark(), fmt::format("the key '{}' is missing or no text", key));
  }
  return node.Scalar();
}

DatasetDatabase database_of(const fs::path& manifest, const YAML::Node& node) {
  refuse_unknown_keys(manifest, node, {"name", "program", "sql"});
  DatasetDatabase database;
  database.name = text_of(manifest, node, "name");
  if (const auto program = node["program"]) {
    if (!program.IsScalar() || program.Scalar() != "pgbench") {
      throw bad_manifest(manifest, program.Mark(), "'program' may only be pgbench");
    }
    database.program = TableProgram::pgbench;
  }
  if (!node["sql"] || !node["sql"].IsSequence()) throw bad_manifest(manifest, node.Mark(), "'sql' must list files");
  for (const auto& entry : node["sql"]) {
    const auto file = (manifest.parent_path() / entry.as<std::string>()).lexically_normal();
    if (!fs::is_regular_file(file)) {
      throw bad_manifest(manifest, entry.Mark(), fmt::format("there is no file {}", file.string()));
    }
    database.sql_files.push_back(file);
  }
  return database;
}

void read_load(const fs::path& manifest, const YAML::Node& node, Dataset& dataset) {
  refuse_unknown_keys(manifest, node, {"database", "transactions"});
  dataset.load_database = text_of(manifest, node, "database");
  if (std::ranges::none_of(dataset.databases, [&](const auto& d) { return d.name == dataset.load_database; })) {
    throw bad_manifest(manifest, node["database"].Mark(), fmt::format("no database '{}' above", dataset.load_database));
  }
  const auto transactions = node["transactions"];
  if (!transactions || !transactions.IsMap()) {
    throw bad_manifest(manifest, node.Mark(), "'transactions' must map functions to weights");
  }
  for (const auto& entry : transactions) {
    const auto weight = entry.second.as<unsigned>(0);
    if (weight == 0) throw bad_manifest(manifest, entry.second.Mark(), "a weight is a positive integer");
    dataset.transactions.push_back({entry.first.as<std::string>(), weight});
  }
  if (dataset.transactions.empty()) throw bad_manifest(manifest, transactions.Mark(), "there is no transaction");
}

Dataset parse_manifest(const fs::path& manifest, const std::string& name) {
  const auto root = YAML::Load(backup_engine::base::read_file(manifest));
  refuse_unknown_keys(manifest, root, {"dataset", "about", "databases", "load"});
  Dataset dataset;
  dataset.name = text_of(manifest, root, "dataset");
  if (dataset.name != name) {
    throw bad_manifest(manifest, root["dataset"].Mark(),
                       fmt::format("the folder is '{}', not '{}'", name, dataset.name));
  }
  dataset.about = text_of(manifest, root, "about");
  if (!root["databases"] || !root["databases"].IsSequence()) {
    throw bad_manifest(manifest, root.Mark(), "'databases' must be a list");
  }
  for (const auto& node : root["databases"]) dataset.databases.push_back(database_of(manifest, node));
  if (!root["load"]) throw bad_manifest(manifest, root.Mark(), "the key 'load' is missing");
  read_load(manifest, root["load"], dataset);
  return dataset;
}

void run_pgbench(const server::Installation& installation, const std::string& conninfo, int scale,
                 const Deadline& deadline, const std::stop_token& stop) {
  process::Command command;
  command.program = installation.program("pgbench");
  command.arguments = {"--initialize", "--quiet", "--init-steps=dtgvpf", fmt::format("--scale={}", scale), conninfo};
  const auto done = process::run(command, deadline, stop);
  if (!done.status.success()) {
    throw Error(ErrorKind::process, fmt::format("pgbench could not make its tables: {}", process::to_text(done.status)))
        .of_command(process::to_text(command))
        .with_log_tail(done.output);
  }
}

void apply(const fs::path& file, Connection& connection) {
  try {
    connection.execute(backup_engine::base::read_file(file));
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("the dataset's file {} could not be applied: {}", file.string(), error.what()))
        .with_sqlstate(error.sqlstate())
        .with_remedy(error.remedy());
  }
}

}  // namespace

Dataset read_dataset(const fs::path& fixtures, const std::string& name) {
  const auto manifest = fixtures / "datasets" / name / "dataset.yaml";
  if (name.empty() || name.find('/') != std::string::npos || !fs::is_regular_file(manifest)) {
    throw Error(ErrorKind::not_found, fmt::format("there is no dataset '{}': {}", name, manifest.string()))
        .with_remedy(fmt::format("name a folder of {}", (fixtures / "datasets").string()));
  }
  try {
    return parse_manifest(manifest, name);
  } catch (const YAML::Exception& error) {
    throw bad_manifest(manifest, error.mark, error.msg);
  }
}

void load_dataset(const Dataset& dataset, const std::string& conninfo, const server::Installation& installation,
                  int scale, std::uint64_t seed, const Deadline& deadline, const std::stop_token& stop) {
  const auto check_time = [&](const std::string& next) {
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, fmt::format("interrupted before {}", next));
    if (deadline.expired()) throw Error(ErrorKind::timed_out, fmt::format("no time was left for {}", next));
  };
  for (const auto& database : dataset.databases) {
    check_time(fmt::format("creating the database {}", database.name));
    Connection(conninfo, application_name).execute("CREATE DATABASE " + quote_identifier(database.name));
    const auto there = with_keyword(conninfo, "dbname", database.name);
    if (database.program == TableProgram::pgbench) run_pgbench(installation, there, scale, deadline, stop);
    Connection connection(there, application_name);
    // The seed's bits as PostgreSQL's signed bigint.
    connection.query("SELECT set_config('lifeboat.scale', $1, false), set_config('lifeboat.seed', $2, false)",
                     {std::to_string(scale), std::to_string(static_cast<std::int64_t>(seed))});
    for (const auto& file : database.sql_files) {
      check_time(file.string());
      apply(file, connection);
    }
  }
}

}  // namespace harness::workload

#include "harness/scenario/source_parser.hpp"

#include <fmt/format.h>

#include <set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/version.hpp"
#include "harness/scenario/language.hpp"
#include "harness/scenario/setting_rules.hpp"

namespace harness::scenario {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

StoredBackup stored_backup(const Reader& reader, const YAML::Node& node) {
  const Mapping parts(reader, node, "source", stored_source_keys);
  StoredBackup result;
  result.location = reader.text(parts.at("repository"), "repository");
  result.cluster = reader.text(parts.at("cluster"), "cluster");
  if (parts.has("backup")) result.label = reader.text(parts.at("backup"), "backup");
  if (result.label == latest_backup) result.label.clear();
  if (parts.has("key_file")) result.key_file = reader.text(parts.at("key_file"), "key_file");
  if (parts.has("database")) result.database = reader.text(parts.at("database"), "database");
  if (parts.has("superuser")) result.superuser = reader.text(parts.at("superuser"), "superuser");
  return result;
}

std::string dataset(const Reader& reader, const YAML::Node& node, const fs::path& fixtures) {
  auto text = reader.text(node, "dataset");
  std::set<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fixtures / "datasets", error)) {
    if (entry.is_directory(error)) found.insert(entry.path().filename().string());
  }
  if (found.empty()) {
    throw Error(ErrorKind::usage, fmt::format("no datasets in {}", (fixtures / "datasets").string()))
        .with_remedy("run from the source tree or an installation whose fixtures are there");
  }
  if (!found.contains(text)) {
    reader.refuse_unknown_word(node, "dataset", text, std::vector<std::string_view>(found.begin(), found.end()));
  }
  return text;
}

int postgres_major(const Reader& reader, const YAML::Node& node) {
  using namespace backup_engine::postgres;
  const auto major = reader.whole_number(node, "postgres", 1, 999);
  if (!supported(major)) {
    reader.fail(node, fmt::format("PostgreSQL {} is not supported", major),
                fmt::format("name a major from {} to {}", oldest_supported_major, newest_supported_major));
  }
  return major;
}

std::map<std::string, std::string> settings(const Reader& reader, const YAML::Node& node, const WalPolicy& wal) {
  std::map<std::string, std::string> result;
  for (const auto& [key, value] : free_mapping(reader, node, "settings")) {
    const auto& name = key.Scalar();
    if (!is_setting_name(name)) {
      reader.fail(key, fmt::format("\"{}\" is no name of a PostgreSQL setting", name),
                  "write it in lower case, as pg_settings lists it");
    }
    auto text = reader.text(value, "the setting " + name);
    if (const auto reason = refusal_of_setting(name, text, wal)) {
      reader.fail(value, fmt::format("the setting {} may not be {}: {}", name, text, *reason), "remove the setting");
    }
    result.emplace(name, std::move(text));
  }
  return result;
}

Provision provision(const Reader& reader, const YAML::Node& node, const WalPolicy& wal, const fs::path& fixtures) {
  const Mapping parts(reader, node, "source.provision", provision_keys);
  Provision result;
  result.dataset = dataset(reader, parts.at("dataset"), fixtures);
  if (parts.has("scale")) result.scale = reader.whole_number(parts.at("scale"), "scale", 1, 100'000);
  if (parts.has("checksums")) result.checksums = reader.truth(parts.at("checksums"), "checksums");
  if (parts.has("postgres")) result.postgres = postgres_major(reader, parts.at("postgres"));
  if (parts.has("settings")) result.settings = settings(reader, parts.at("settings"), wal);
  return result;
}

LoadProfile load_profile(const Reader& reader, const YAML::Node& node) {
  const Mapping parts(reader, node, "source.load", load_profile_keys);
  LoadProfile result;
  if (parts.has("writers")) {
    result.writers = static_cast<unsigned>(reader.whole_number(parts.at("writers"), "writers", 1, 256));
  }
  if (parts.has("rate")) {
    const auto& rate = parts.at("rate");
    const bool unlimited = rate.IsScalar() && rate.Scalar() == "unlimited";
    if (!unlimited) {
      result.rate_per_second =
          reader.whole_number(rate, "rate (\"unlimited\", or transactions a second)", 1, 1'000'000);
    }
  }
  return result;
}

WalPolicy wal_policy(const Reader& reader, const YAML::Node& node) {
  const Mapping parts(reader, node, "source.wal", wal_keys);
  const WalPolicy policy{reader.word<WalTransport>(parts.at("by"), "WAL transport", transport_words),
                         reader.truth(parts.at("synchronous"), "synchronous")};
  if (policy.by == WalTransport::archive && policy.synchronous) {
    reader.fail(parts.at("synchronous"), "no commit can wait for an archive_command, which gets whole segments",
                "say synchronous: false, or by: stream");
  }
  return policy;
}

}  // namespace

Source parse_source(const Reader& reader, const YAML::Node& node, const fs::path& fixtures) {
  if (node.IsMap() && node["repository"]) {
    if (node["provision"]) {
      reader.fail(node["provision"], "a source is provisioned or a stored backup, not both",
                  "remove \"provision\" or \"repository\"");
    }
    Source stored;
    stored.stored = stored_backup(reader, node);
    return stored;
  }
  const Mapping parts(reader, node, "source", source_keys);
  Source result;
  result.wal = wal_policy(reader, parts.at("wal"));
  result.provision = provision(reader, parts.at("provision"), result.wal, fixtures);
  if (parts.has("load")) result.load = load_profile(reader, parts.at("load"));
  return result;
}

}  // namespace harness::scenario

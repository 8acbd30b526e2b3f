#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/config/config.hpp"
#include "harness/config/language.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::config {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using scenario::Mapping;
using scenario::Reader;

constexpr scenario::Subject subject{"configuration", "docs/configuration.md"};

std::string read_config_file(const fs::path& file) {
  try {
    return backup_engine::base::read_file(file);
  } catch (const Error& error) {
    // Whatever is in its way, the command cannot be carried out as it was asked for.
    throw Error(ErrorKind::usage, fmt::format("the configuration cannot be read: {}", error.what()))
        .with_remedy("make it readable for the user that runs lifeboat, or name another one with --config");
  }
}

// The engine's own rule for what a repository calls a cluster.
bool is_cluster_name(const std::string& text) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  constexpr std::size_t longest = 63;
  return !text.empty() && text.size() <= longest && is_letter_or_digit(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

class Parser {
 public:
  Parser(const fs::path& file, const RefuseConnection& refuse_connection)
      : reader_(file, subject), file_(file), refuse_connection_(refuse_connection) {}

  [[nodiscard]] Config parse(const std::string& bytes) const;

 private:
  [[nodiscard]] Cluster cluster(const YAML::Node& name, const YAML::Node& node, const Cluster& defaults) const;
  void shared_part(const Mapping& parts, Cluster& cluster) const;
  [[nodiscard]] std::string connection(const YAML::Node& node) const;
  [[nodiscard]] std::string location(const YAML::Node& node) const;
  [[nodiscard]] fs::path path(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] std::string slot(const YAML::Node& node) const;
  [[nodiscard]] Objectives objectives(const YAML::Node& node) const;
  [[nodiscard]] Promise promise(const Mapping& parts) const;
  [[nodiscard]] std::vector<Contact> contacts(const YAML::Node& node) const;
  [[nodiscard]] Contact contact(const YAML::Node& node) const;

  Reader reader_;
  fs::path file_;
  const RefuseConnection& refuse_connection_;
};

Config Parser::parse(const std::string& bytes) const {
  const Mapping top(reader_, reader_.load(bytes), "lifeboat.yaml", config_keys);
  Cluster defaults;
  if (top.has("defaults")) shared_part(Mapping(reader_, top.at("defaults"), "defaults", default_keys), defaults);
  Config result;
  result.file = file_;
  for (const auto& [name, node] : free_mapping(reader_, top.at("clusters"), "clusters")) {
    result.clusters.push_back(cluster(name, node, defaults));
  }
  if (result.clusters.empty()) {
    reader_.fail(top.at("clusters"), "clusters names no cluster", "add one, as docs/configuration.md shows");
  }
  return result;
}

Cluster Parser::cluster(const YAML::Node& name, const YAML::Node& node, const Cluster& defaults) const {
  auto result = defaults;
  result.name = name.Scalar();
  if (!is_cluster_name(result.name)) {
    reader_.fail(name, fmt::format("\"{}\" is no name for a cluster", result.name),
                 "use 1 to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit");
  }
  const auto what = "the cluster " + result.name;
  if (!node.IsNull()) {  // one that is all defaults
    const Mapping parts(reader_, node, what, cluster_keys);
    shared_part(parts, result);
    if (parts.has("connection")) result.connection = connection(parts.at("connection"));
    if (parts.has("pgdata")) result.pgdata = path(parts.at("pgdata"), "pgdata");
  }
  if (result.repository.empty()) {
    reader_.fail(name, what + " has no repository", "add \"repository:\" to it, or to defaults");
  }
  return result;
}

void Parser::shared_part(const Mapping& parts, Cluster& cluster) const {
  if (parts.has("repository")) cluster.repository = location(parts.at("repository"));
  if (parts.has("key_file")) cluster.key_file = path(parts.at("key_file"), "key_file");
  if (parts.has("slot")) cluster.slot = slot(parts.at("slot"));
  if (parts.has("objectives")) cluster.objectives = objectives(parts.at("objectives"));
  if (parts.has("contacts")) cluster.contacts = contacts(parts.at("contacts"));
}

std::string Parser::connection(const YAML::Node& node) const {
  auto text = reader_.text(node, "connection");
  try {
    refuse_connection_(text);
  } catch (const Error& error) {
    reader_.fail(node, error.what(), error.remedy());
  }
  return text;
}

// Of another kind of storage than a directory the text is nobody's path.
std::string Parser::location(const YAML::Node& node) const {
  auto text = reader_.text(node, "repository");
  return text.find("://") == std::string::npos ? path(node, "repository").string() : text;
}

fs::path Parser::path(const YAML::Node& node, std::string_view what) const {
  const auto text = reader_.text(node, what);
  if (text.starts_with('~')) {
    reader_.fail(node, fmt::format("{} begins with ~, which only a shell understands", what), "write the whole path");
  }
  return (fs::absolute(file_).parent_path() / text).lexically_normal();
}

// PostgreSQL's own rule: lower-case letters, digits and underscores, up to 63.
std::string Parser::slot(const YAML::Node& node) const {
  auto text = reader_.text(node, "slot");
  constexpr std::size_t longest = 63;
  if (text.size() > longest || text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    reader_.fail(node, fmt::format("\"{}\" is no name of a replication slot", text),
                 "use up to 63 lower-case letters, digits and underscores");
  }
  return text;
}

Objectives Parser::objectives(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "objectives", objective_keys);
  Objectives result;
  result.any = promise(parts);
  const auto of_size = [&](const char* key) {
    if (!parts.has(key)) return Promise();
    return promise(Mapping(reader_, parts.at(key), fmt::format("objectives.{}", key), promise_keys));
  };
  result.small = of_size("small");
  result.medium = of_size("medium");
  result.large = of_size("large");
  if (parts.has("at_size")) {
    static_cast<void>(reader_.size(parts.at("at_size"), "at_size"));
    result.at_size = parts.at("at_size").Scalar();
  }
  return result;
}

Promise Parser::promise(const Mapping& parts) const {
  Promise result;
  if (parts.has("rto")) {
    static_cast<void>(reader_.positive_duration(parts.at("rto"), "rto"));
    result.rto = parts.at("rto").Scalar();
  }
  if (parts.has("rpo")) {
    static_cast<void>(reader_.duration(parts.at("rpo"), "rpo"));
    result.rpo = parts.at("rpo").Scalar();
  }
  return result;
}

std::vector<Contact> Parser::contacts(const YAML::Node& node) const {
  reader_.require_list(node, "contacts");
  std::vector<Contact> result;
  for (const auto& item : node) result.push_back(contact(item));
  if (result.empty()) reader_.fail(node, "contacts lists nobody", "add somebody, or leave it out");
  return result;
}

Contact Parser::contact(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "a contact", contact_keys);
  const auto text = [&](const char* key) {
    return parts.has(key) ? reader_.text(parts.at(key), fmt::format("a contact's {}", key)) : std::string();
  };
  Contact result{text("name"), text("role"), text("email"), text("phone"), text("hours")};
  if (result.email.empty() && result.phone.empty()) {
    reader_.fail(node, fmt::format("nobody can reach {}", result.name), "add \"email:\" or \"phone:\"");
  }
  return result;
}

}  // namespace

Config load(const fs::path& file, const RefuseConnection& refuse_connection) {
  return Parser(file, refuse_connection).parse(read_config_file(file));
}

}  // namespace harness::config

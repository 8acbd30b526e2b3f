#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/postgres/version.hpp"
#include "harness/scenario/language.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/setting_rules.hpp"
#include "harness/scenario/suggestion.hpp"
#include "harness/scenario/timeline_rules.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

std::string read_scenario_file(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    throw Error(ErrorKind::usage, fmt::format("{}: there is no such scenario file", file.string()))
        .with_remedy("name a YAML file, or a directory that holds some");
  }
  return backup_engine::base::read_file(file);
}

// One file's parse: the reader that knows its name, and where to look for what it names.
class Parser {
 public:
  Parser(const fs::path& file, const fs::path& fixtures) : reader_(file), file_(file), fixtures_(fixtures) {}

  [[nodiscard]] Scenario parse(const std::string& bytes) const;

 private:
  [[nodiscard]] std::string name(const YAML::Node& node) const;
  [[nodiscard]] Source source(const YAML::Node& node) const;
  [[nodiscard]] Provision provision(const YAML::Node& node, const WalPolicy& wal) const;
  [[nodiscard]] std::string dataset(const YAML::Node& node) const;
  [[nodiscard]] int postgres_major(const YAML::Node& node) const;
  [[nodiscard]] std::map<std::string, std::string> settings(const YAML::Node& node, const WalPolicy& wal) const;
  [[nodiscard]] LoadProfile load_profile(const YAML::Node& node) const;
  [[nodiscard]] WalPolicy wal_policy(const YAML::Node& node) const;
  [[nodiscard]] std::vector<Step> timeline(const YAML::Node& node) const;
  [[nodiscard]] Step step(const YAML::Node& node) const;
  [[nodiscard]] LoadStep load_step(const YAML::Node& node) const;
  [[nodiscard]] MarkStep mark_step(const YAML::Node& node) const;
  [[nodiscard]] DisasterStep disaster_step(const YAML::Node& node) const;
  [[nodiscard]] Restore restore(const YAML::Node& node) const;
  [[nodiscard]] std::vector<CheckRequest> checks(const YAML::Node& node, std::vector<Position>& positions) const;
  [[nodiscard]] CheckRequest check(const YAML::Node& node) const;
  [[nodiscard]] fs::path sql_file(const YAML::Node& node) const;
  [[nodiscard]] Objectives objectives(const YAML::Node& node) const;
  [[nodiscard]] Seconds positive_duration(const YAML::Node& node, std::string_view what) const;

  Reader reader_;
  fs::path file_, fixtures_;
};

Scenario Parser::parse(const std::string& bytes) const {
  const Mapping top(reader_, reader_.load(bytes), "the scenario", scenario_keys);
  Scenario result;
  Places places;
  result.file = file_;
  result.digest = backup_engine::base::sha256_hex(bytes);
  result.name = name(top.at("scenario"));
  result.claim = reader_.text(top.at("claim"), "the claim");
  result.source = source(top.at("source"));
  result.timeline = timeline(top.at("timeline"));
  result.restore = restore(top.at("restore"));
  result.verify = checks(top.at("verify"), places.checks);
  if (top.has("objectives")) result.objectives = objectives(top.at("objectives"));
  places.timeline = position_of(top.at("timeline"));
  require_sound_timeline(reader_, result, places);
  return result;
}

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 48 && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || c == '-' || c == '_'; });
}

std::string Parser::name(const YAML::Node& node) const {
  auto text = reader_.text(node, "the scenario's name");
  if (!is_name(text)) {
    reader_.fail(node, fmt::format("\"{}\" is no name for a scenario", text),
                 "use up to 48 lower-case letters, digits, - and _, a letter or digit first");
  }
  const auto stem = file_.stem().string();
  if (text != stem) {
    reader_.fail(node, fmt::format("the scenario is named \"{}\" and its file \"{}\"", text, file_.filename().string()),
                 fmt::format("write \"scenario: {}\", or rename the file to {}.yaml", stem, text));
  }
  return text;
}

Source Parser::source(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "source", source_keys);
  Source result;
  result.wal = wal_policy(parts.at("wal"));
  result.provision = provision(parts.at("provision"), result.wal);
  if (parts.has("load")) result.load = load_profile(parts.at("load"));
  return result;
}

Provision Parser::provision(const YAML::Node& node, const WalPolicy& wal) const {
  const Mapping parts(reader_, node, "source.provision", provision_keys);
  Provision result;
  result.dataset = dataset(parts.at("dataset"));
  if (parts.has("scale")) result.scale = reader_.whole_number(parts.at("scale"), "scale", 1, 100'000);
  if (parts.has("checksums")) result.checksums = reader_.truth(parts.at("checksums"), "checksums");
  if (parts.has("postgres")) result.postgres = postgres_major(parts.at("postgres"));
  if (parts.has("settings")) result.settings = settings(parts.at("settings"), wal);
  return result;
}

std::string Parser::dataset(const YAML::Node& node) const {
  auto text = reader_.text(node, "dataset");
  std::set<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fixtures_ / "datasets", error)) {
    if (entry.is_directory(error)) found.insert(entry.path().filename().string());
  }
  if (found.empty()) {
    throw Error(ErrorKind::usage, fmt::format("no datasets in {}", (fixtures_ / "datasets").string()))
        .with_remedy("run from the source tree or an installation whose fixtures are there");
  }
  if (!found.contains(text)) {
    reader_.refuse_unknown_word(node, "dataset", text, std::vector<std::string_view>(found.begin(), found.end()));
  }
  return text;
}

int Parser::postgres_major(const YAML::Node& node) const {
  using namespace backup_engine::postgres;
  const auto major = reader_.whole_number(node, "postgres", 1, 999);
  if (!supported(major)) {
    reader_.fail(node, fmt::format("PostgreSQL {} is not supported", major),
                 fmt::format("name a major from {} to {}", oldest_supported_major, newest_supported_major));
  }
  return major;
}

std::map<std::string, std::string> Parser::settings(const YAML::Node& node, const WalPolicy& wal) const {
  std::map<std::string, std::string> result;
  for (const auto& [key, value] : free_mapping(reader_, node, "settings")) {
    const auto& name = key.Scalar();
    if (!is_setting_name(name)) {
      reader_.fail(key, fmt::format("\"{}\" is no name of a PostgreSQL setting", name),
                   "write it in lower case, as pg_settings lists it");
    }
    auto text = reader_.text(value, "the setting " + name);
    if (const auto reason = refusal_of_setting(name, text, wal)) {
      reader_.fail(value, fmt::format("the setting {} may not be {}: {}", name, text, *reason), "remove the setting");
    }
    result.emplace(name, std::move(text));
  }
  return result;
}

LoadProfile Parser::load_profile(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "source.load", load_profile_keys);
  LoadProfile result;
  if (parts.has("writers")) {
    result.writers = static_cast<unsigned>(reader_.whole_number(parts.at("writers"), "writers", 1, 256));
  }
  if (parts.has("rate")) {
    const auto& rate = parts.at("rate");
    const bool unlimited = rate.IsScalar() && rate.Scalar() == "unlimited";
    if (!unlimited) {
      result.rate_per_second =
          reader_.whole_number(rate, "rate (\"unlimited\", or transactions a second)", 1, 1'000'000);
    }
  }
  return result;
}

WalPolicy Parser::wal_policy(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "source.wal", wal_keys);
  return {reader_.word<WalTransport>(parts.at("by"), "WAL transport", transport_words),
          reader_.truth(parts.at("synchronous"), "synchronous")};
}

std::vector<Step> Parser::timeline(const YAML::Node& node) const {
  reader_.require_list(node, "the timeline");
  std::vector<Step> result;
  for (const auto& item : node) result.push_back(step(item));
  return result;
}

Step Parser::step(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "a step of the timeline", step_keys);
  if (parts.size() != 1) {
    reader_.fail(node, fmt::format("a step of the timeline has one key, this one has {}", parts.size()),
                 "begin each step with its own -: load, backup, mark or disaster");
  }
  const auto& kind = parts.first_key();
  const auto& value = parts.at(kind);
  Step result{LoadStep{}, position_of(node)};
  if (kind == "load") result.what = load_step(value);
  if (kind == "backup") result.what = BackupStep{reader_.word<BackupType>(value, "backup type", backup_words)};
  if (kind == "mark") result.what = mark_step(value);
  if (kind == "disaster") result.what = disaster_step(value);
  return result;
}

LoadStep Parser::load_step(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "a load step", load_step_keys);
  LoadStep result;
  result.duration = positive_duration(parts.at("for"), "for");
  if (parts.has("keep_running")) result.keep_running = reader_.truth(parts.at("keep_running"), "keep_running");
  return result;
}

MarkStep Parser::mark_step(const YAML::Node& node) const {
  auto text = reader_.text(node, "a mark's name");
  if (!is_name(text)) {  // it becomes a restore point and a file name
    reader_.fail(node, fmt::format("\"{}\" is no name for a mark", text),
                 "use up to 48 lower-case letters, digits, - and _, a letter or digit first");
  }
  return {std::move(text)};
}

DisasterStep Parser::disaster_step(const YAML::Node& node) const {
  DisasterStep result;
  YAML::Node named = node;
  if (node.IsMap()) {
    const auto pairs = free_mapping(reader_, node, "a disaster");
    if (pairs.size() != 1) {
      reader_.fail(node, fmt::format("a disaster has one kind, this one has {}", pairs.size()),
                   "make them steps of their own");
    }
    named = pairs.front().first;
    const auto& argument = pairs.front().second;
    if (!argument.IsNull()) result.argument = reader_.text(argument, "the disaster's argument");
  }
  result.kind = reader_.text(named, "a disaster");
  const auto wanted = reader_.meaning<Argument>(named, result.kind, "disaster", disaster_words);
  if (wanted == Argument::none && !result.argument.empty()) {
    reader_.fail(named, fmt::format("the disaster {} takes no argument", result.kind),
                 fmt::format("write \"- disaster: {}\"", result.kind));
  }
  return result;
}

Restore Parser::restore(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "restore", restore_keys);
  Restore result;
  result.kind = reader_.word<RestoreKind>(parts.at("kind"), "restore kind", restore_words);
  const auto& target = parts.at("target");
  if (target.IsMap()) {  // refuses each kind of point in time by its name
    const Mapping point(reader_, target, "restore.target", target_keys);
    reader_.fail(target, "restore.target is empty", "write end_of_wal or immediate");
  }
  result.target.kind = reader_.word<TargetKind>(target, "restore target", target_words);
  return result;
}

std::vector<CheckRequest> Parser::checks(const YAML::Node& node, std::vector<Position>& positions) const {
  reader_.require_list(node, "verify");
  if (node.size() == 0) {
    reader_.fail(node, "verify lists no checks, and a drill that checks nothing proves nothing",
                 "list some: [ledger, content, page_checksums, …]; docs/scenarios.md explains each");
  }
  std::vector<CheckRequest> result;
  std::set<std::pair<CheckKind, fs::path>> seen;  // by the file's own name: it is what reports and evidence call it
  for (const auto& item : node) {
    auto request = check(item);
    if (!seen.emplace(request.kind, request.sql_file.filename()).second) {
      reader_.fail(item,
                   fmt::format("the check {} is listed twice", std::string(to_string(request.kind)) +
                                                                   (request.sql_file.empty() ? "" : " ") +
                                                                   request.sql_file.filename().string()),
                   "keep one of the two; SQL files need different names");
    }
    positions.push_back(position_of(item));
    result.push_back(std::move(request));
  }
  return result;
}

CheckRequest Parser::check(const YAML::Node& node) const {
  if (node.IsMap()) {
    const Mapping parts(reader_, node, "a check", sql_check_keys);
    return {CheckKind::sql, sql_file(parts.at("sql"))};
  }
  const auto text = reader_.text(node, "a check");
  if (text == "sql") reader_.fail(node, "the check sql names no file", "write { sql: FILE }");
  return {reader_.meaning<CheckKind>(node, text, "check", check_words), {}};
}

fs::path Parser::sql_file(const YAML::Node& node) const {
  const fs::path given = reader_.text(node, "sql");
  const auto root = fs::absolute(fixtures_).lexically_normal().parent_path();
  const auto beside = fs::absolute(file_).lexically_normal().parent_path();
  std::error_code error;
  for (const auto& base : {root, beside}) {
    if (fs::is_regular_file(base / given, error)) return (base / given).lexically_normal();
  }
  reader_.fail(node, fmt::format("there is no SQL file {}", given.string()),
               fmt::format("name one relative to {} or to {}", root.string(), beside.string()));
}

Objectives Parser::objectives(const YAML::Node& node) const {
  const Mapping parts(reader_, node, "objectives", objective_keys);
  Objectives result;
  if (parts.has("rto")) result.rto = positive_duration(parts.at("rto"), "rto");
  if (parts.has("rpo")) result.rpo = reader_.duration(parts.at("rpo"), "rpo");
  return result;
}

Seconds Parser::positive_duration(const YAML::Node& node, std::string_view what) const {
  const auto result = reader_.duration(node, what);
  if (result <= Seconds(0)) reader_.fail(node, fmt::format("{} must be longer than nothing", what), "write 1s, say");
  return result;
}

}  // namespace

std::string_view to_string(CheckKind kind) {
  for (const auto& word : check_words) {
    if (word.meaning == kind) return word.text;
  }
  return "sql";
}

std::string_view to_string(BackupType type) {
  switch (type) {
    case BackupType::full:
      return "full";
    case BackupType::differential:
      return "differential";
    case BackupType::incremental:
      return "incremental";
  }
  return "unknown";
}

Scenario parse_scenario(const fs::path& file, const fs::path& fixtures) {
  return Parser(file, fixtures).parse(read_scenario_file(file));
}

}  // namespace harness::scenario

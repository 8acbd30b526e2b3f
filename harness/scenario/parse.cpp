#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "backup_engine/base/error.hpp"
#include "harness/scenario/described_target.hpp"
#include "harness/scenario/draw.hpp"
#include "harness/scenario/language.hpp"
#include "harness/scenario/names.hpp"
#include "harness/scenario/repeat_parser.hpp"
#include "harness/scenario/restore_parser.hpp"
#include "harness/scenario/rules.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/scenario_file.hpp"
#include "harness/scenario/source_parser.hpp"
#include "harness/scenario/step_parser.hpp"
#include "harness/scenario/variable_filler.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

// One file's parse: the reader that knows its name, and where to look for what it names.
class Parser {
 public:
  Parser(const fs::path& file, const fs::path& fixtures) : reader_(file), file_(file), fixtures_(fixtures) {}

  // `seed` draws what a random scenario leaves open.
  [[nodiscard]] Scenario parse(const std::string& bytes, const Variables& variables, std::uint64_t seed) const;

 private:
  [[nodiscard]] Scenario written(const YAML::Node& document, Places& places) const;
  void require_sound(const Scenario& scenario, const Places& places) const;
  [[nodiscard]] Scenario draw(const YAML::Node& document, std::uint64_t seed) const;
  void require_nothing_drawn(const YAML::Node& document) const;
  // Of a drawn scenario: the checks that have something to be judged against.
  void keep_judgeable_checks(Scenario& scenario, const Places& places) const;
  [[nodiscard]] std::string name(const YAML::Node& node) const;
  [[nodiscard]] DrillRepository repository(const YAML::Node& node, const Source& source) const;
  [[nodiscard]] std::vector<Step> timeline(const YAML::Node& node) const;
  [[nodiscard]] std::vector<CheckRequest> checks(const YAML::Node& node, std::vector<Position>& positions) const;
  [[nodiscard]] CheckRequest check(const YAML::Node& node) const;
  [[nodiscard]] fs::path sql_file(const YAML::Node& node) const;
  [[nodiscard]] Objectives objectives(const Mapping& parts, Places& places) const;
  void objectives(const YAML::Node& node, Scenario& scenario, Places& places) const;
  void require_timeline_for_source(const YAML::Node& root, const Source& source) const;
  [[nodiscard]] bool is_judged(const YAML::Node& root, const Restore& restore) const;

  Reader reader_;
  fs::path file_, fixtures_;
};

Scenario Parser::parse(const std::string& bytes, const Variables& variables, std::uint64_t seed) const {
  const auto document = reader_.load(bytes);
  const auto filled = fill_variables(reader_, document, variables);
  Places places;
  const bool open = document.IsMap() && document["random"] && reader_.truth(document["random"], "random");
  auto result = open ? draw(document, seed) : written(document, places);
  if (!open) require_sound(result, places);
  result.file = file_;
  result.variables = filled;
  result.digest = digest_of(bytes, filled);
  return result;
}

Scenario Parser::written(const YAML::Node& document, Places& places) const {
  Scenario result;
  const Mapping top(reader_, document, "the scenario", scenario_keys);
  result.name = name(top.at("scenario"));
  result.claim = reader_.text(top.at("claim"), "the claim");
  result.source = parse_source(reader_, top.at("source"), fixtures_);
  if (top.has("repository")) result.repository = repository(top.at("repository"), result.source);
  require_timeline_for_source(document, result.source);
  if (!result.source.stored) result.timeline = timeline(top.at("timeline"));
  result.restore = parse_restore(reader_, top.at("restore"), places.restore);
  if (!top.at("restore")["target"]) result.restore.target = target_of_sweep(result.timeline);
  if (is_judged(document, result.restore)) result.verify = checks(top.at("verify"), places.checks);
  if (top.has("prove")) result.prove = parse_proof(reader_, top.at("prove"), result.restore);
  if (top.has("objectives")) objectives(top.at("objectives"), result, places);
  if (top.has("repeat")) {
    places.repeat = position_of(top.at("repeat"));
    result.repeat = parse_repeat(reader_, top.at("repeat"));
  }
  if (!result.source.stored) places.timeline = position_of(top.at("timeline"));
  return result;
}

void Parser::require_sound(const Scenario& scenario, const Places& places) const {
  require_repeatable(reader_, scenario, places);
  require_strikable_restore(reader_, scenario, places.restore);
  if (scenario.source.stored) {
    require_restore_in_place(reader_, scenario, places.restore);
    return require_sound_stored_drill(reader_, scenario, places);
  }
  const auto databases = databases_of(fixtures_, scenario.source.provision.dataset);
  require_sound_timeline(reader_, scenario, places, databases);
  require_restore_in_place(reader_, scenario, places.restore);
  require_reachable_target(reader_, scenario, places, databases);
  require_judgeable_checks(reader_, scenario, places, databases);
}

void Parser::require_nothing_drawn(const YAML::Node& document) const {
  const auto refuse = [&](const YAML::Node& parent, const char* key) {
    if (!parent.IsMap() || !parent[key]) return;
    reader_.fail(parent[key], fmt::format("a random scenario draws its {}", key),
                 fmt::format("remove \"{}\", or \"random: true\"", key));
  };
  for (const auto* const key : drawn_keys) refuse(document, key);
  if (!document["source"]) return;
  refuse(document["source"], "repository");
  for (const auto* const key : drawn_source_keys) refuse(document["source"], key);
}

void Parser::keep_judgeable_checks(Scenario& scenario, const Places& places) const {
  const auto databases = databases_of(fixtures_, scenario.source.provision.dataset);
  std::erase_if(scenario.verify, [&, one = scenario](const CheckRequest& check) mutable {
    // Tables that went back to an earlier mark do not agree with others that went on, whatever SQL asks of both.
    if (check.kind == CheckKind::sql && one.restore.kind == RestoreKind::partial) return true;
    one.verify = {check};
    try {
      require_judgeable_checks(reader_, one, places, databases);
      return false;
    } catch (const Error&) {
      return true;
    }
  });
}

// Drawn until the parts fit together.
Scenario Parser::draw(const YAML::Node& document, std::uint64_t seed) const {
  require_nothing_drawn(document);
  constexpr int draws = 1000;
  Dice dice(seed);
  for (int i = 0; i < draws; ++i) {
    Places places;
    auto result = written(drawn(document, dice), places);
    keep_judgeable_checks(result, places);
    try {
      require_sound(result, places);
    } catch (const Error&) {
      if (i + 1 == draws) throw;
      continue;
    }
    // What tables in a living source must hold nobody knows but a mark.
    if (result.restore.kind != RestoreKind::partial || mark_describing_target(result)) return result;
  }
  throw Error(ErrorKind::internal, "nothing was drawn");
}

std::string Parser::name(const YAML::Node& node) const {
  auto text = reader_.text(node, "the scenario's name");
  if (!is_name(text)) {
    reader_.fail(node, fmt::format("\"{}\" is no name for a scenario", text), std::string(name_rule));
  }
  const auto stem = file_.stem().string();
  if (text != stem) {
    reader_.fail(node, fmt::format("the scenario is named \"{}\" and its file \"{}\"", text, file_.filename().string()),
                 fmt::format("write \"scenario: {}\", or rename the file to {}.yaml", stem, text));
  }
  return text;
}

void Parser::require_timeline_for_source(const YAML::Node& root, const Source& source) const {
  const auto timeline = root["timeline"];
  if (!timeline) {
    if (source.stored) return;
    reader_.fail(root, "the scenario lacks the key \"timeline\"",
                 "add \"timeline:\"; docs/scenarios.md says what it may be");
  }
  if (!source.stored) return;
  for (const auto& item : timeline) {
    if (!item.IsMap() || !item["disaster"]) continue;
    reader_.fail(item, "no disaster can strike a stored backup: its cluster is not Lifeboat's to harm",
                 "remove \"timeline\": the drill restores as if the server were lost when it begins");
  }
  reader_.fail(timeline, "a stored backup has no timeline: what happened before it was taken is not known",
               "remove \"timeline\", or let Lifeboat provision the source");
}

// Whether the scenario has checks. Nothing that is refused comes back, to be checked or timed.
bool Parser::is_judged(const YAML::Node& root, const Restore& restore) const {
  if (restore.expected_refusal.empty()) {
    if (root["verify"]) return true;
    reader_.fail(root, "the scenario lacks the key \"verify\"",
                 "add \"verify:\"; docs/scenarios.md says what it may be");
  }
  for (const auto* const key : {"verify", "objectives"}) {
    if (!root[key]) continue;
    reader_.fail(root[key],
                 fmt::format("a restore that must be refused brings nothing back, so \"{}\" has nothing to judge", key),
                 fmt::format("remove \"{}\": the check outcome is always made", key));
  }
  return false;
}

DrillRepository Parser::repository(const YAML::Node& node, const Source& source) const {
  if (source.stored) {
    reader_.fail(node, "a stored backup lies in the repository that source names",
                 "remove \"repository\", and give that one's key file as \"key_file\" of source");
  }
  const Mapping parts(reader_, node, "repository", repository_keys);
  return {reader_.truth(parts.at("encrypted"), "encrypted")};
}

std::vector<Step> Parser::timeline(const YAML::Node& node) const {
  reader_.require_list(node, "the timeline");
  std::vector<Step> result;
  for (const auto& item : node) result.push_back(parse_step(reader_, item));
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

Objectives Parser::objectives(const Mapping& parts, Places& places) const {
  Objectives result;
  if (parts.has("rto")) result.rto = reader_.positive_duration(parts.at("rto"), "rto");
  if (!parts.has("rpo")) return result;
  result.rpo = reader_.duration(parts.at("rpo"), "rpo");
  if (!places.rpo) places.rpo = position_of(parts.at("rpo"));
  return result;
}

void Parser::objectives(const YAML::Node& node, Scenario& scenario, Places& places) const {
  const Mapping parts(reader_, node, "objectives", objective_keys);
  scenario.objectives = objectives(parts, places);
  for (const auto& size : size_words) {
    if (!parts.has(size.text)) continue;
    const auto what = fmt::format("objectives.{}", size.text);
    scenario.objectives_by_size[*size.meaning] =
        objectives(Mapping(reader_, parts.at(size.text), what, size_objective_keys), places);
  }
  if (!parts.has("at_size")) return;
  places.at_size = position_of(parts.at("at_size"));
  scenario.extrapolate_to_bytes = parse_sizes(reader_, parts.at("at_size"));
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

Scenario parse_scenario(const fs::path& file, const fs::path& fixtures, const Variables& variables,
                        std::uint64_t seed) {
  return Parser(file, fixtures).parse(read_scenario_file(file), variables, seed);
}

std::set<std::string> variables_of(const fs::path& file) {
  const Reader reader(file);
  return used_variables(reader, reader.load(read_scenario_file(file)));
}

}  // namespace harness::scenario

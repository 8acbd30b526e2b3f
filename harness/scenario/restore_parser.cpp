#include "harness/scenario/restore_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/names.hpp"

namespace harness::scenario {
namespace {

// The one point of { mark | name | time | lsn | xid: POINT }.
RestoreTarget point_target(const Reader& reader, const YAML::Node& node, Position& place) {
  const Mapping parts(reader, node, "restore.target", target_keys);
  std::vector<Word<TargetKind>> given;
  std::copy_if(point_words.begin(), point_words.end(), std::back_inserter(given),
               [&parts](const auto& word) { return parts.has(word.text); });
  if (given.empty()) {
    reader.fail(node, "restore.target names no point",
                "write one of { mark: NAME }, { name: NAME }, { time: POINT }, { lsn: POINT }, { xid: POINT }");
  }
  if (given.size() > 1) {
    reader.fail(node, fmt::format("a target is one point, this one has {} and {}", given[0].text, given[1].text),
                "keep one of the two");
  }
  const auto word = given.front().text;
  RestoreTarget result;
  result.kind = *given.front().meaning;
  result.point = reader.text(parts.at(word), fmt::format("the target's {}", word));
  place = position_of(parts.at(word));
  if (!parts.has("inclusive")) return result;
  result.inclusive = reader.truth(parts.at("inclusive"), "inclusive");
  if (result.kind == TargetKind::mark || result.kind == TargetKind::name) {
    reader.fail(parts.at("inclusive"), fmt::format("a target by {} is neither inclusive nor exclusive", word),
                "remove \"inclusive\"; time, lsn and xid take it");
  }
  return result;
}

RestoreTarget parse_target(const Reader& reader, const YAML::Node& node, Position& place) {
  place = position_of(node);
  if (node.IsMap()) return point_target(reader, node, place);
  RestoreTarget result;
  if (node.IsScalar()) {
    for (const auto& word : point_words) {
      if (word.text != node.Scalar()) continue;
      reader.fail(node, fmt::format("the target {} does not say which", word.text),
                  fmt::format("write {{ {}: POINT }}", word.text));
    }
  }
  result.kind = reader.word<TargetKind>(node, "restore target", target_words);
  return result;
}

// Full restores go where the WAL or the backup ends, only partial ones choose what is restored, and only a sweep has
// several points.
void require_keys_of_kind(const Reader& reader, const YAML::Node& node, const Mapping& parts, RestoreKind kind) {
  const bool sweep = kind == RestoreKind::pitr_sweep;
  if (!sweep && !parts.has("target")) {
    reader.fail(node, "restore lacks the key \"target\"", "add \"target:\"; docs/scenarios.md says what it may be");
  }
  if (sweep && !parts.has("points")) {
    reader.fail(node, "a sweep does not say how many points it judges", "add \"points: 60\"");
  }
  if (!sweep && parts.has("points")) {
    reader.fail(parts.at("points"), "only a sweep has points", "remove \"points\", or write \"kind: pitr_sweep\"");
  }
  if (kind == RestoreKind::full && parts.at("target").IsMap()) {
    reader.fail(parts.at("target"), "a full restore's target is end_of_wal or immediate, not a point of the timeline",
                "write \"kind: pitr\", or one of the two words");
  }
  if (kind != RestoreKind::pitr && parts.has("action")) {
    reader.fail(parts.at("action"), "only a restore of kind pitr has an action at its target", "remove \"action\"");
  }
  if (kind == RestoreKind::partial) return;
  for (const auto* const key : {"tables", "schema", "database", "where", "into", "suffix"}) {
    if (!parts.has(key)) continue;
    reader.fail(parts.at(key), fmt::format("only a partial restore has the key \"{}\"", key),
                "remove it, or write \"kind: partial\"");
  }
}

std::vector<std::string> parse_tables(const Reader& reader, const YAML::Node& node) {
  reader.require_list(node, "restore.tables");
  if (node.size() == 0) reader.fail(node, "restore.tables lists no table", "list some: [shop.orders]");
  std::vector<std::string> result;
  for (const auto& item : node) {
    auto table = parse_table(reader, item, "a table");
    if (std::find(result.begin(), result.end(), table) != result.end()) {
      reader.fail(item, fmt::format("the table {} is listed twice", table), "keep one of the two");
    }
    result.push_back(std::move(table));
  }
  return result;
}

// What is restored: tables, a schema or a database.
void parse_selection(const Reader& reader, const YAML::Node& node, const Mapping& parts, PartialRestore& result,
                     Position& place) {
  std::vector<std::string> given;
  for (const auto* const key : {"tables", "schema", "database"}) {
    if (parts.has(key)) given.emplace_back(key);
  }
  if (given.empty()) {
    reader.fail(node, "a partial restore does not say what to restore",
                "add \"tables: [schema.name]\", \"schema: NAME\" or \"database: NAME\"");
  }
  if (given.size() > 1) {
    reader.fail(parts.at(given[1]), fmt::format("a partial restore is of {} or of {}, not of both", given[0], given[1]),
                "keep one of the two");
  }
  const auto& value = parts.at(given.front());
  place = position_of(value);
  if (given.front() == "tables") result.tables = parse_tables(reader, value);
  if (given.front() == "schema") result.schema = parse_schema(reader, value, "restore.schema");
  if (given.front() == "database") result.database = reader.text(value, "restore.database");
}

PartialRestore parse_partial(const Reader& reader, const YAML::Node& node, const Mapping& parts, Position& place) {
  PartialRestore result;
  parse_selection(reader, node, parts, result, place);
  for (const auto* const key : {"where", "into", "suffix"}) {
    if (result.database.empty() || !parts.has(key)) continue;
    reader.fail(parts.at(key), fmt::format("a database is restored into a new server, whole: it has no \"{}\"", key),
                "remove it, or restore tables or a schema");
  }
  if (parts.has("where")) {
    result.where = reader.text(parts.at("where"), "where");
    if (result.tables.size() != 1) {
      reader.fail(parts.at("where"), "where chooses rows of exactly one table", "list one table, or remove \"where\"");
    }
  }
  if (parts.has("into")) result.placement = reader.word<Placement>(parts.at("into"), "placement", placement_words);
  if (!parts.has("suffix")) return result;
  result.suffix = reader.text(parts.at("suffix"), "suffix");
  if (!is_suffix(result.suffix)) {
    reader.fail(parts.at("suffix"), fmt::format("\"{}\" is no suffix for a table's name", result.suffix),
                "use up to 16 lower-case letters, digits and _");
  }
  if (result.placement != Placement::beside) {
    reader.fail(parts.at("suffix"), "only what is put beside gets a suffix", "write \"into: beside\", or remove it");
  }
  return result;
}

// recovered, or { refused: REASON }: then the word.
std::string parse_expected_refusal(const Reader& reader, const YAML::Node& node) {
  if (node.IsScalar() && node.Scalar() == recovered_word) return {};
  if (!node.IsMap()) {
    reader.fail(node, "restore.expect is \"recovered\" or says why the restore must be refused",
                "write { refused: REASON }; docs/scenarios.md lists the reasons");
  }
  const Mapping parts(reader, node, "restore.expect", expect_keys);
  auto word = reader.text(parts.at("refused"), "the reason of the refusal");
  if (std::find(refusal_words.begin(), refusal_words.end(), word) == refusal_words.end()) {
    reader.refuse_unknown_word(parts.at("refused"), "reason to refuse a restore", word, refusal_words);
  }
  return word;
}

}  // namespace

std::string parse_table(const Reader& reader, const YAML::Node& node, std::string_view what) {
  auto text = reader.text(node, what);
  const auto name = read_table_name(text);
  if (!name) {
    reader.fail(node, fmt::format("\"{}\" is no name of a table", text),
                "write schema.name, with double quotes around a part where SQL wants them");
  }
  if (const auto reason = refusal_of_schema(name->schema)) {
    reader.fail(node, fmt::format("the schema {} may not be touched: {}", name->schema, *reason),
                "name a table of the dataset's own");
  }
  return text;
}

std::string parse_schema(const Reader& reader, const YAML::Node& node, std::string_view what) {
  auto text = reader.text(node, what);
  const auto name = read_identifier(text);
  if (!name) {
    reader.fail(node, fmt::format("\"{}\" is no name of a schema", text),
                "write it as SQL does, with double quotes around it where SQL wants them");
  }
  if (const auto reason = refusal_of_schema(*name)) {
    reader.fail(node, fmt::format("the schema {} may not be touched: {}", *name, *reason),
                "name a schema of the dataset's own");
  }
  return text;
}

Restore parse_restore(const Reader& reader, const YAML::Node& node, RestorePlaces& places) {
  const Mapping parts(reader, node, "restore", restore_keys);
  places.kind = places.target = places.action = places.selection = places.in_place = places.roll_back =
      position_of(node);
  Restore result;
  result.kind = reader.word<RestoreKind>(parts.at("kind"), "restore kind", restore_words);
  places.kind = position_of(parts.at("kind"));
  require_keys_of_kind(reader, node, parts, result.kind);
  if (parts.has("target")) result.target = parse_target(reader, parts.at("target"), places.target);
  if (parts.has("points")) {
    constexpr int fewest = 2, most = 1000;
    result.points = reader.whole_number(parts.at("points"), "points", fewest, most);
  }
  if (parts.has("action")) {
    result.action = reader.word<TargetAction>(parts.at("action"), "target action", action_words);
    places.action = position_of(parts.at("action"));
  }
  if (parts.has("expect")) result.expected_refusal = parse_expected_refusal(reader, parts.at("expect"));
  if (parts.has("in_place")) {
    result.in_place = reader.truth(parts.at("in_place"), "in_place");
    places.in_place = position_of(parts.at("in_place"));
  }
  if (parts.has("roll_back")) {
    result.roll_back = reader.truth(parts.at("roll_back"), "roll_back");
    places.roll_back = position_of(parts.at("roll_back"));
  }
  if (result.kind == RestoreKind::pitr_sweep && !result.expected_refusal.empty()) {
    reader.fail(parts.at("expect"),
                "nothing comes back of a restore that is refused, so there is nothing to sweep over",
                "write \"kind: pitr\", or remove \"expect\"");
  }
  if (parts.has("struck_by")) {
    result.struck_by = reader.word<SecondDisaster>(parts.at("struck_by"), "second disaster", strike_words);
    places.struck_by = position_of(parts.at("struck_by"));
  }
  if (result.kind == RestoreKind::partial) result.partial = parse_partial(reader, node, parts, places.selection);
  return result;
}

bool parse_proof(const Reader& reader, const YAML::Node& node, const Restore& restore) {
  const bool asked = reader.truth(node, "prove");
  if (asked && restore.kind == RestoreKind::partial && restore.partial.database.empty()) {
    reader.fail(node, "a restore into the living source leaves no copy that could be sabotaged",
                "remove \"prove\", or restore into a new server");
  }
  if (asked && !restore.expected_refusal.empty()) {
    reader.fail(node, "a restore that is to be refused leaves nothing to judge, and no check to prove",
                "remove \"prove\"");
  }
  return asked;
}

}  // namespace harness::scenario

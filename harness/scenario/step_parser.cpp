#include "harness/scenario/step_parser.hpp"

#include <fmt/format.h>

#include "harness/scenario/names.hpp"
#include "harness/scenario/restore_parser.hpp"

namespace harness::scenario {
namespace {

LoadStep load_step(const Reader& reader, const YAML::Node& node) {
  const Mapping parts(reader, node, "a load step", load_step_keys);
  LoadStep result;
  result.duration = reader.positive_duration(parts.at("for"), "for");
  if (parts.has("keep_running")) result.keep_running = reader.truth(parts.at("keep_running"), "keep_running");
  return result;
}

BackupStep backup_step(const Reader& reader, const YAML::Node& node) {
  BackupStep result;
  if (!node.IsMap()) {
    result.type = reader.word<BackupType>(node, "backup type", backup_words);
    return result;
  }
  const Mapping parts(reader, node, "a backup step", backup_step_keys);
  result.type = reader.word<BackupType>(parts.at("type"), "backup type", backup_words);
  if (parts.has("by")) result.by = reader.word<BackupMethod>(parts.at("by"), "backup method", method_words);
  return result;
}

// Of a mark or a restore point: both are restore points to PostgreSQL, and points that a target can name.
std::string point_name(const Reader& reader, const YAML::Node& node, std::string_view what) {
  auto text = reader.text(node, fmt::format("a {}'s name", what));
  if (!is_name(text)) {
    reader.fail(node, fmt::format("\"{}\" is no name for a {}", text, what), std::string(name_rule));
  }
  if (text == disaster_point) {
    reader.fail(node, fmt::format("a {} may not be named \"{}\": in a target that is the disaster itself", what, text),
                "write before-disaster, say");
  }
  return text;
}

std::string assignments(const Reader& reader, const YAML::Node& node) {
  auto text = reader.text(node, "the disaster's argument");
  const auto parts = read_assignment(text);
  if (!parts) {
    reader.fail(node, fmt::format("update_rows cannot carry out \"{}\"", text),
                "write TABLE SET ASSIGNMENTS, without WHERE: shop.products SET price = 0");
  }
  if (const auto reason = refusal_of_schema(parts->table.schema)) {
    reader.fail(node, fmt::format("the schema {} may not be touched: {}", parts->table.schema, *reason),
                "name a table of the dataset's own");
  }
  return text;
}

std::string argument_of(const Reader& reader, const YAML::Node& node, const std::string& kind, Argument wanted) {
  switch (wanted) {
    case Argument::table:
      return parse_table(reader, node, "the disaster's argument");
    case Argument::schema:
      return parse_schema(reader, node, "the disaster's argument");
    case Argument::database:
      return reader.text(node, "the disaster's argument");
    case Argument::assignments:
      return assignments(reader, node);
    case Argument::point:
      return point_name(reader, node, "point");
    case Argument::backup:
      return std::string(to_string(reader.word<BackupType>(node, "backup type", backup_words)));
    case Argument::page:
    case Argument::files:
    case Argument::none:
      break;
  }
  reader.fail(node, fmt::format("the disaster {} takes no argument", kind),
              fmt::format("write \"- disaster: {}\"", kind));
}

std::string_view example_of(Argument wanted) {
  switch (wanted) {
    case Argument::table:
      return "shop.orders";
    case Argument::assignments:
      return "shop.products SET price = 0";
    case Argument::schema:
      return "shop";
    case Argument::database:
      return "shop_archive";
    case Argument::point:
      return "NAME";
    case Argument::backup:
      return "full";
    case Argument::page:
      return "shop.orders";
    case Argument::files:
      return "{ newest_backups: 1 }";
    case Argument::none:
      break;
  }
  return "";
}

// TABLE, or { table: TABLE, checksum: stale | recomputed }.
void read_page(const Reader& reader, const YAML::Node& node, DisasterStep& step) {
  if (!node.IsMap()) {
    step.argument = parse_table(reader, node, "the disaster's argument");
    return;
  }
  const Mapping parts(reader, node, "corrupt_page", corrupt_page_keys);
  step.argument = parse_table(reader, parts.at("table"), "the disaster's argument");
  if (!parts.has("checksum")) return;
  step.checksum_recomputed = reader.word<bool>(parts.at("checksum"), "state of a checksum", checksum_words);
}

void read_argument(const Reader& reader, const YAML::Node& node, Argument wanted, DisasterStep& step) {
  if (wanted == Argument::page) return read_page(reader, node, step);
  if (wanted == Argument::files) {
    const Mapping parts(reader, node, step.kind, encrypt_files_keys);
    step.newest_backups = reader.whole_number(parts.at("newest_backups"), "newest_backups", 0, 1000);
    return;
  }
  step.argument = argument_of(reader, node, step.kind, wanted);
}

DisasterStep disaster_step(const Reader& reader, const YAML::Node& node) {
  DisasterStep result;
  YAML::Node named = node;
  YAML::Node argument;
  bool has_argument = false;
  if (node.IsMap()) {
    const auto pairs = free_mapping(reader, node, "a disaster");
    if (pairs.size() != 1) {
      reader.fail(node, fmt::format("a disaster has one kind, this one has {}", pairs.size()),
                  "make them steps of their own");
    }
    named = pairs.front().first;
    argument = pairs.front().second;
    has_argument = !argument.IsNull();
  }
  result.kind = reader.text(named, "a disaster");
  const auto wanted = reader.meaning<Argument>(named, result.kind, "disaster", disaster_words);
  if (has_argument) read_argument(reader, argument, wanted, result);
  if (!has_argument && wanted != Argument::none) {
    reader.fail(named, fmt::format("the disaster {} does not say what it strikes", result.kind),
                fmt::format("write \"- disaster: {{ {}: {} }}\", say", result.kind, example_of(wanted)));
  }
  return result;
}

}  // namespace

Step parse_step(const Reader& reader, const YAML::Node& node) {
  const Mapping parts(reader, node, "a step of the timeline", step_keys);
  if (parts.size() != 1) {
    reader.fail(node, fmt::format("a step of the timeline has one key, this one has {}", parts.size()),
                "begin each step with its own -: load, backup, mark, restore_point or disaster");
  }
  const auto& kind = parts.first_key();
  const auto& value = parts.at(kind);
  Step result{LoadStep{}, position_of(node)};
  if (kind == "load") result.what = load_step(reader, value);
  if (kind == "backup") result.what = backup_step(reader, value);
  if (kind == "mark") result.what = MarkStep{point_name(reader, value, "mark")};
  if (kind == "restore_point") result.what = RestorePointStep{point_name(reader, value, "restore point")};
  if (kind == "disaster") result.what = disaster_step(reader, value);
  return result;
}

}  // namespace harness::scenario

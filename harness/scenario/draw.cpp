#include "harness/scenario/draw.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace harness::scenario {
namespace {

template <typename Item, std::size_t size>
Item one_of(Dice& dice, const std::array<Item, size>& items) {
  return items[dice.below(size)];
}

YAML::Node pair(const std::string& key, const YAML::Node& value) {
  YAML::Node node;
  node[key] = value;
  return node;
}

YAML::Node text(const std::string& value) {
  return YAML::Node(value);
}

YAML::Node truth(bool value) {
  return YAML::Node(value ? "true" : "false");
}

YAML::Node load_profile(Dice& dice) {
  YAML::Node node = pair("writers", text(std::to_string(dice.between(1, 8))));
  if (dice.chance(40)) node["rate"] = std::to_string(dice.between(50, 600));
  return node;
}

YAML::Node wal_policy(Dice& dice) {
  const bool archived = dice.chance(25);
  YAML::Node node = pair("by", text(archived ? "archive" : "stream"));
  node["synchronous"] = truth(!archived && dice.chance(30));
  return node;
}

YAML::Node load_step(Dice& dice) {
  YAML::Node node = pair("for", text(fmt::format("{}ms", dice.between(100, 400))));
  if (dice.chance(60)) node["keep_running"] = truth(true);
  return pair("load", node);
}

YAML::Node backup_step(Dice& dice, bool first) {
  constexpr std::array types{"full", "differential", "incremental"};
  YAML::Node node = pair("type", text(first ? types.front() : one_of(dice, types)));
  node["by"] = dice.chance(70) ? "files" : "stream";
  return pair("backup", node);
}

// A disaster, and the tables that a partial restore would bring back after it; none: only a new server will do. Tables
// that go back alone must make sense beside others that went on.
struct Harm {
  std::string_view kind, argument;
  std::array<std::string_view, 2> tables;

  [[nodiscard]] bool loses_server() const { return argument.empty(); }
};
// Each leaves some of the load's transactions able to go on, and none is refused by the dataset's own rules.
constexpr std::array harms{Harm{"lose_server", "", {}},
                           Harm{"lose_server", "", {}},  // the one that most drills are about
                           Harm{"drop_table", "audit.order_events", {"audit.order_events"}},
                           Harm{"drop_table", "shop.orders", {}},
                           Harm{"delete_rows", "shop.payments", {}},
                           Harm{"truncate_table", "shop.payments", {}},
                           Harm{"update_rows", "shop.products SET price = 0", {"shop.products", "shop.prices"}},
                           Harm{"drop_schema", "audit", {}},
                           Harm{"drop_database", "shop_archive", {}}};

YAML::Node disaster_step(const Harm& harm) {
  if (harm.loses_server()) return pair("disaster", text(std::string(harm.kind)));
  return pair("disaster", pair(std::string(harm.kind), text(std::string(harm.argument))));
}

struct Drawn {
  YAML::Node timeline;
  std::vector<std::string> marks, restore_points;
};

// Some of what can stand before the disaster. A load follows each, so that transactions lie on both sides of it.
Drawn steps_before(Dice& dice) {
  Drawn result;
  bool backed_up = false, failed_over = false;
  const auto steps = dice.between(3, 6);
  for (std::uint64_t i = 0; i < steps; ++i) {
    result.timeline.push_back(load_step(dice));
    const auto what = dice.below(10);
    if (!backed_up || what < 4) {
      result.timeline.push_back(backup_step(dice, !backed_up));
      backed_up = true;
    } else if (what < 8) {
      result.marks.push_back(fmt::format("mark-{}", i + 1));
      result.timeline.push_back(pair("mark", text(result.marks.back())));
    } else if (what == 8 && !failed_over) {
      result.timeline.push_back(pair("disaster", text("fail_over")));
      failed_over = true;
    } else {
      result.restore_points.push_back(fmt::format("point-{}", i + 1));
      result.timeline.push_back(pair("restore_point", text(result.restore_points.back())));
    }
  }
  result.timeline.push_back(load_step(dice));
  return result;
}

std::string any_point(Dice& dice, const Drawn& drawn, bool also_disaster) {
  auto points = drawn.marks;
  points.insert(points.end(), drawn.restore_points.begin(), drawn.restore_points.end());
  if (also_disaster || points.empty()) points.emplace_back("disaster");
  return points[dice.below(points.size())];
}

// What an archive_command had not sent when the server was lost is gone, but for what a mark waited for.
bool loses_its_tail(const YAML::Node& wal, const Harm& harm) {
  return harm.loses_server() && wal["by"].Scalar() == "archive";
}

YAML::Node target(Dice& dice, const Drawn& drawn, const Harm& harm, bool only_what_is_held) {
  constexpr std::array kinds{"end_of_wal", "immediate", "mark", "mark", "name", "time", "lsn", "xid"};
  constexpr std::size_t held_kinds = 4;  // the first of them
  const std::string kind = kinds[dice.below(only_what_is_held ? held_kinds : kinds.size())];
  if (kind == "end_of_wal" || kind == "immediate") return text(kind);
  if (kind == "mark" && !drawn.marks.empty()) return pair(kind, text(drawn.marks[dice.below(drawn.marks.size())]));
  if (only_what_is_held) return text("end_of_wal");
  if (kind == "name" && !drawn.restore_points.empty()) {
    return pair(kind, text(drawn.restore_points[dice.below(drawn.restore_points.size())]));
  }
  const std::string by = kind == "mark" || kind == "name" ? "lsn" : kind;
  YAML::Node node = pair(by, text(any_point(dice, drawn, !harm.loses_server())));
  node["inclusive"] = truth(dice.chance(50));
  return node;
}

YAML::Node restore(Dice& dice, const YAML::Node& where, const Harm& harm) {
  const bool partial = !harm.tables.front().empty() && dice.chance(50);
  const bool whole = harm.loses_server() && where.IsScalar() && dice.chance(70);
  YAML::Node node = pair("kind", text(partial ? "partial" : whole ? "full" : "pitr"));
  node["target"] = where;
  if (partial) {
    for (const auto table : harm.tables) {
      if (!table.empty()) node["tables"].push_back(std::string(table));
    }
    node["into"] = "replace";  // beside it the harmed table would stay, and break the rules that SQL checks
  } else if (!whole && dice.chance(40)) {
    node["action"] = dice.chance(50) ? "pause" : "shutdown";
  }
  return node;
}

}  // namespace

YAML::Node drawn(const YAML::Node& document, Dice& dice) {
  YAML::Node result, source;
  for (const auto& entry : document["source"]) source[entry.first] = entry.second;
  for (const auto& entry : document) {
    const auto& key = entry.first.Scalar();
    if (key != "random" && key != "source") result[entry.first] = entry.second;
  }
  source["load"] = load_profile(dice);
  source["wal"] = wal_policy(dice);
  result["source"] = source;
  result["repository"] = pair("encrypted", truth(dice.chance(30)));
  const auto& harm = one_of(dice, harms);
  const auto before = steps_before(dice);
  auto timeline = before.timeline;
  timeline.push_back(disaster_step(harm));
  if (!harm.loses_server() && dice.chance(60)) timeline.push_back(load_step(dice));
  result["timeline"] = timeline;
  const auto where = target(dice, before, harm, loses_its_tail(source["wal"], harm));
  result["restore"] = restore(dice, where, harm);
  // Into the living source: that leaves no copy which could be sabotaged.
  const bool into_source = result["restore"]["kind"].Scalar() == "partial" && !result["restore"]["database"];
  if (into_source) result.remove("prove");
  return result;
}

}  // namespace harness::scenario

#include "harness/cli/wal_check_listing.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backup_engine/base/quantity_text.hpp"

namespace harness::cli {

namespace engine = backup_engine;
namespace base = backup_engine::base;
using engine::postgres::to_string;
using Json = nlohmann::ordered_json;

namespace {

std::string_view word(engine::WalSeverity severity) {
  return severity == engine::WalSeverity::problem ? "problem" : "warning";
}

std::string timeline_text(const engine::TimelineWal& timeline) {
  std::string text = fmt::format("  timeline {}", timeline.timeline.number());
  if (timeline.parent) {
    text += fmt::format(", branched off {} at {}", timeline.parent->number(), to_string(*timeline.branched_at));
  }
  text += "\n";
  for (const auto& window : timeline.windows) {
    text += fmt::format("    held     {} to {}\n", to_string(window.start), to_string(window.end));
  }
  for (const auto& hole : timeline.holes) {
    text += fmt::format("    MISSING  {} to {}{}\n", to_string(hole.from), to_string(hole.to),
                        hole.recorded.empty() ? "" : ", recorded " + hole.recorded);
  }
  return text;
}

std::string backup_text(const engine::BackupReach& backup) {
  if (backup.missing) {
    return fmt::format("  {}  NOT recoverable: its own WAL from {} to {} is missing\n", backup.label,
                       to_string(backup.missing->from), to_string(backup.missing->to));
  }
  std::string text;
  for (const auto& reach : backup.reaches) {
    text += fmt::format("  {}  recoverable to any point from {} to {} on timeline {}\n", backup.label,
                        to_string(backup.stop_lsn), to_string(reach.until), reach.timeline.number());
  }
  return text;
}

std::string server_text(const engine::ServerWal& server) {
  auto text = fmt::format("  server: timeline {}, written to {}, of which {} are not in the repository yet\n",
                          server.timeline.number(), to_string(server.flushed), base::bytes_text(server.behind_bytes));
  if (server.not_held) {
    const auto& segment = *server.not_held;
    text += fmt::format("    not held whole: {}, {}\n", segment.name,
                        !segment.seconds ? "which the server has no more"
                                         : fmt::format("{} {} ago", segment.finished ? "finished" : "last written",
                                                       base::seconds_text(static_cast<double>(*segment.seconds))));
  }
  text += fmt::format("    archive_mode {}{}{}\n", server.archive_mode,
                      server.last_archived.empty() ? "" : ", last archived " + server.last_archived,
                      server.last_failed.empty() ? "" : ", last failed " + server.last_failed);
  for (const auto& slot : server.slots) {
    text += fmt::format("    slot {}: {}{}, keeps {}\n", slot.name, slot.active ? "read" : "NOT read",
                        slot.wal_status.empty() ? "" : ", " + slot.wal_status, base::bytes_text(slot.kept_bytes));
  }
  return text;
}

Json json_of(const engine::WalHole& hole) {
  return {{"timeline", hole.timeline.number()},
          {"from_lsn", to_string(hole.from)},
          {"to_lsn", to_string(hole.to)},
          {"recorded", hole.recorded.empty() ? Json() : Json(hole.recorded)}};
}

Json json_of(const engine::TimelineWal& timeline) {
  auto windows = Json::array(), holes = Json::array();
  for (const auto& window : timeline.windows) {
    windows.push_back({{"start_lsn", to_string(window.start)}, {"end_lsn", to_string(window.end)}});
  }
  for (const auto& hole : timeline.holes) holes.push_back(json_of(hole));
  return {{"timeline", timeline.timeline.number()},
          {"has_history", timeline.has_history},
          {"parent", timeline.parent ? Json(timeline.parent->number()) : Json()},
          {"branched_at_lsn", timeline.branched_at ? Json(to_string(*timeline.branched_at)) : Json()},
          {"windows", windows},
          {"holes", holes}};
}

Json json_of(const engine::BackupReach& backup) {
  auto reaches = Json::array();
  for (const auto& reach : backup.reaches) {
    reaches.push_back({{"timeline", reach.timeline.number()},
                       {"from_lsn", to_string(backup.stop_lsn)},
                       {"until_lsn", to_string(reach.until)}});
  }
  return {{"label", backup.label},
          {"timeline", backup.timeline.number()},
          {"start_lsn", to_string(backup.start_lsn)},
          {"stop_lsn", to_string(backup.stop_lsn)},
          {"recoverable", reaches},
          {"missing", backup.missing ? json_of(*backup.missing) : Json()}};
}

Json json_of(const engine::UnheldSegment& segment) {
  return {{"segment", segment.name},
          {"finished", segment.finished},
          {"seconds", segment.seconds ? Json(*segment.seconds) : Json()}};
}

Json json_of(const engine::ServerWal& server) {
  auto slots = Json::array();
  for (const auto& slot : server.slots) {
    slots.push_back({{"name", slot.name},
                     {"active", slot.active},
                     {"wal_status", slot.wal_status.empty() ? Json() : Json(slot.wal_status)},
                     {"kept_bytes", slot.kept_bytes}});
  }
  return {{"timeline", server.timeline.number()},
          {"flushed_lsn", to_string(server.flushed)},
          {"behind_bytes", server.behind_bytes},
          {"not_held", server.not_held ? json_of(*server.not_held) : Json()},
          {"archive_mode", server.archive_mode},
          {"archive_command", server.archive_command},
          {"last_archived", server.last_archived},
          {"last_failed", server.last_failed},
          {"archiving_fails", server.archiving_fails},
          {"max_slot_wal_keep_size", server.max_slot_wal_keep_size},
          {"slots", slots}};
}

}  // namespace

std::string wal_check_text(const engine::WalCheckResult& result) {
  auto text = result.cluster + "\n";
  for (const auto& timeline : result.timelines) text += timeline_text(timeline);
  for (const auto& backup : result.backups) text += backup_text(backup);
  if (result.server) text += server_text(*result.server);
  for (const auto& finding : result.findings) {
    text += fmt::format("{}: {}\n  what to do: {}\n", word(finding.severity), finding.text, finding.remedy);
  }
  return text +
         (result.sound()
              ? "the WAL is sound, as far as names tell; lifeboat verify reads it, and sees damage, another history "
                "and WAL of wal_level = minimal in it\n"
              : "something is wrong\n");
}

std::string wal_check_json(const engine::WalCheckResult& result) {
  auto timelines = Json::array(), backups = Json::array(), findings = Json::array();
  for (const auto& timeline : result.timelines) timelines.push_back(json_of(timeline));
  for (const auto& backup : result.backups) backups.push_back(json_of(backup));
  for (const auto& finding : result.findings) {
    findings.push_back({{"severity", word(finding.severity)}, {"text", finding.text}, {"remedy", finding.remedy}});
  }
  return Json{{"cluster", result.cluster},
              {"sound", result.sound()},
              {"timelines", timelines},
              {"backups", backups},
              {"server", result.server ? json_of(*result.server) : Json()},
              {"findings", findings}}
             .dump(2) +
         "\n";
}

}  // namespace harness::cli

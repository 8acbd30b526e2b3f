#include "harness/cli/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "backup_engine/base/quantity_text.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
using backup_engine::postgres::to_string;
using Json = nlohmann::ordered_json;

namespace {

// Clocks of hosts differ: never less than nothing.
double age_seconds(const backup_engine::RunningBackup& running, base::UtcTime now) {
  return std::max(0.0, std::chrono::duration<double>(now - running.since).count());
}

std::string running_text(const backup_engine::ClusterSummary& cluster, base::UtcTime now) {
  std::string text;
  for (const auto& running : cluster.running) {
    text += fmt::format(
        "  running {}  lifeboat backup by {} on {} (process {}) since {}, for {}; holds {}WAL from {} on timeline {}\n",
        running.label, running.user, running.host, running.pid, base::to_rfc3339(running.since),
        base::seconds_text(age_seconds(running, now)),
        running.chain.empty() ? "" : fmt::format("{} and ", fmt::join(running.chain, ", ")),
        to_string(running.start_lsn), running.timeline.number());
  }
  if (!cluster.running.empty()) {
    text += fmt::format("          (when one of these runs no more: lifeboat expire --cluster {} --revoke LABEL)\n",
                        cluster.name);
  }
  return text;
}

Json running_json(const backup_engine::ClusterSummary& cluster, base::UtcTime now) {
  auto all = Json::array();
  for (const auto& running : cluster.running) {
    all.push_back({{"label", running.label},
                   {"verb", "backup"},
                   {"user", running.user},
                   {"host", running.host},
                   {"pid", running.pid},
                   {"since", base::to_rfc3339(running.since)},
                   {"age_seconds", age_seconds(running, now)},
                   {"chain", running.chain},
                   {"timeline", running.timeline.number()},
                   {"start_lsn", to_string(running.start_lsn)}});
  }
  return all;
}

// Names of databases need not be UTF-8.
std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string warnings_text(const std::string& indent, const std::vector<backup_engine::CopiedDatabase>& all) {
  std::string text;
  for (const auto& copied : all) text += fmt::format("{}warning: {}\n", indent, backup_engine::warning_of(copied));
  return text;
}

Json json_of(const std::vector<backup_engine::CopiedDatabase>& copied) {
  auto all = Json::array();
  for (const auto& each : copied) {
    all.push_back({{"oid", each.oid},
                   {"name", each.name.empty() ? Json() : Json(each.name)},
                   {"from_oid", each.from_oid},
                   {"from_name", each.from_name.empty() ? Json() : Json(each.from_name)},
                   {"record_lsn", to_string(each.record)},
                   {"warning", backup_engine::warning_of(each)}});
  }
  return all;
}

const std::vector<backup_engine::CopiedDatabase>* known_copies(const CopiesByCluster& copies,
                                                               const std::string& cluster, const std::string& label) {
  const auto of_cluster = copies.find(cluster);
  if (of_cluster == copies.end()) return nullptr;
  const auto found = of_cluster->second.find(label);
  return found == of_cluster->second.end() || !found->second ? nullptr : &*found->second;
}

std::string damage_text(std::uint64_t pages) {
  return fmt::format(
      "    warning: it holds {} damaged page{} as its source had {} (lifeboat verify names {}); a restore without "
      "--backup begins from an older one that holds none, where one leads to the same point\n",
      pages, pages == 1 ? "" : "s", pages == 1 ? "it" : "them", pages == 1 ? "it" : "them");
}

}  // namespace

std::string listing_text(const std::vector<backup_engine::ClusterSummary>& clusters, const CopiesByCluster& copies,
                         base::UtcTime now) {
  if (clusters.empty()) return "no clusters yet: lifeboat wal receive and lifeboat backup make the first\n";
  std::string text;
  for (const auto& cluster : clusters) {
    text += fmt::format("{}  PostgreSQL {}, system identifier {}\n", cluster.name, cluster.postgres_major,
                        cluster.system_identifier);
    for (const auto& backup : cluster.backups) {
      text += fmt::format("  backup {}  {} stored as {}, WAL {} to {}\n", backup.label,
                          base::bytes_text(backup.source_bytes), base::bytes_text(backup.stored_bytes),
                          to_string(backup.start_lsn), to_string(backup.stop_lsn));
      if (backup.damaged_pages > 0) text += damage_text(backup.damaged_pages);
      if (const auto* known = known_copies(copies, cluster.name, backup.label)) text += warnings_text("    ", *known);
    }
    text += running_text(cluster, now);
    for (const auto& what : cluster.unreadable) text += fmt::format("  CANNOT BE READ: {}\n", what);
    for (const auto& range : cluster.wal) {
      text += fmt::format("  wal    timeline {}  {} to {}\n", range.timeline.number(), to_string(range.start),
                          to_string(range.end));
    }
  }
  return text;
}

namespace {

Json json_of(const OperationsLogs& logs, const std::string& cluster, base::UtcTime now) {
  const auto log = logs.find(cluster);
  auto rates = Json::array(), tampered = Json::array();
  if (log != logs.end()) {
    for (const auto& rate : backup_engine::success_rates(log->second.operations, now)) {
      rates.push_back({{"verb", rate.verb},
                       {"succeeded_in_30_days", rate.recent_succeeded},
                       {"ended_in_30_days", rate.recent},
                       {"succeeded", rate.all_succeeded},
                       {"ended", rate.all}});
    }
    for (const auto& entry : log->second.tampered) tampered.push_back(entry);
  }
  return {{"verbs", rates}, {"tampered", tampered}};
}

}  // namespace

std::string listing_json(const std::vector<backup_engine::ClusterSummary>& clusters, const CopiesByCluster& copies,
                         const OperationsLogs& logs, base::UtcTime now) {
  auto all = Json::array();
  for (const auto& cluster : clusters) {
    auto backups = Json::array(), wal = Json::array();
    for (const auto& b : cluster.backups) {
      const auto* const known = known_copies(copies, cluster.name, b.label);
      backups.push_back({{"label", b.label},
                         {"type", backup_engine::to_string(b.type)},
                         {"parent_label", b.parent_label},
                         {"source", b.source},
                         {"started_at", base::to_rfc3339(b.started_at)},
                         {"finished_at", base::to_rfc3339(b.finished_at)},
                         {"start_lsn", to_string(b.start_lsn)},
                         {"stop_lsn", to_string(b.stop_lsn)},
                         {"timeline", b.timeline.number()},
                         {"source_bytes", b.source_bytes},
                         {"stored_bytes", b.stored_bytes},
                         {"file_count", b.file_count},
                         {"damaged_pages", b.damaged_pages},
                         {"data_checksums", b.data_checksums},
                         {"copied_databases", known != nullptr ? json_of(*known) : Json()}});
    }
    for (const auto& range : cluster.wal) {
      wal.push_back({{"timeline", range.timeline.number()},
                     {"start_lsn", to_string(range.start)},
                     {"end_lsn", to_string(range.end)}});
    }
    all.push_back({{"name", cluster.name},
                   {"system_identifier", std::to_string(cluster.system_identifier)},
                   {"postgres_major", cluster.postgres_major},
                   {"backups", backups},
                   {"running", running_json(cluster, now)},
                   {"unreadable", cluster.unreadable},
                   {"wal", wal},
                   {"operations", json_of(logs, cluster.name, now)}});
  }
  return json_text({{"clusters", all}, {"operations", json_of(logs, "", now)}});
}

namespace {

std::string span_text(const backup_engine::RecoverySpan& span) {
  return fmt::format("  to any point on timeline {} from {} ({}) to {} ({}{})\n", span.timeline.number(),
                     to_string(span.earliest), base::to_rfc3339(span.earliest_time), to_string(span.latest),
                     span.latest_time ? "last commit or rollback " + base::to_rfc3339(*span.latest_time)
                                      : "no commit or rollback since",
                     span.ends_in_minimal ? "; wal_level = minimal begins there, and PostgreSQL recovers nothing past "
                                            "that: only a backup taken behind it reaches what follows"
                                          : "");
}

Json json_of(const backup_engine::RecoverySpan& span) {
  return {{"timeline", span.timeline.number()},
          {"earliest_lsn", to_string(span.earliest)},
          {"earliest_time", base::to_rfc3339(span.earliest_time)},
          {"latest_lsn", to_string(span.latest)},
          {"latest_time", span.latest_time ? Json(base::to_rfc3339(*span.latest_time)) : Json()},
          {"ends_in_minimal", span.ends_in_minimal}};
}

// Where a backup is being taken, what it has put so far is among it: a few names will do.
std::string debris_text(const std::vector<std::string>& debris) {
  constexpr std::size_t most_named = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(debris.size(), most_named); ++i) {
    text += fmt::format("left over, or being written: {}\n", debris[i]);
  }
  if (debris.size() > most_named) text += fmt::format("and {} more of those\n", debris.size() - most_named);
  return text;
}

}  // namespace

std::string verify_text(const backup_engine::VerifyResult& result) {
  auto text = fmt::format("read {} objects, {}: {} blocks, {} WAL segments\n", result.objects,
                          base::bytes_text(result.bytes), result.blocks, result.wal_segments);
  for (const auto& damage : result.damage) text += fmt::format("damaged: {}: {}\n", damage.object, damage.text);
  for (const auto& backup : result.backups) {
    text += fmt::format("{} {}: {}\n", backup.cluster, backup.label,
                        backup.restorable ? "restorable" : "NOT restorable: " + backup.reason);
    for (const auto& span : backup.spans) text += span_text(span);
    text += warnings_text("  ", backup.copied_databases);
    if (!backup.damaged_pages.empty()) {
      text += fmt::format("  warning: it holds {} as its source had them\n", text_of(backup.damaged_pages));
    }
  }
  for (const auto& left_out : result.not_looked_at) text += fmt::format("not looked at: {}\n", left_out);
  text += debris_text(result.debris);
  text += fmt::format("state of the repository: {}\n", result.state_digest);
  for (const auto& wal : result.wal_ends) {
    text +=
        fmt::format("  WAL of {} on timeline {} up to {}\n", wal.cluster, wal.timeline.number(), to_string(wal.end));
  }
  std::set<std::string> damaged;
  for (const auto& damage : result.damage) damaged.insert(damage.object);
  if (damaged.empty()) return text + "no damage found\n";
  return text + fmt::format("{} object{} damaged\n", damaged.size(), damaged.size() == 1 ? "" : "s");
}

std::string verify_json(const backup_engine::VerifyResult& result) {
  auto damage = Json::array(), backups = Json::array(), wal_ends = Json::array();
  for (const auto& wal : result.wal_ends) {
    wal_ends.push_back(
        {{"cluster", wal.cluster}, {"timeline", wal.timeline.number()}, {"end_lsn", to_string(wal.end)}});
  }
  for (const auto& d : result.damage) damage.push_back({{"object", d.object}, {"text", d.text}});
  for (const auto& b : result.backups) {
    auto spans = Json::array(), pages = Json::array();
    for (const auto& page : b.damaged_pages) pages.push_back({{"file", page.file}, {"block", page.block}});
    for (const auto& span : b.spans) spans.push_back(json_of(span));
    backups.push_back({{"cluster", b.cluster},
                       {"label", b.label},
                       {"restorable", b.restorable},
                       {"reason", b.reason},
                       {"recoverable", spans},
                       {"copied_databases", json_of(b.copied_databases)},
                       {"damaged_pages", pages}});
  }
  return json_text({{"objects", result.objects},
                    {"bytes", result.bytes},
                    {"blocks", result.blocks},
                    {"wal_segments", result.wal_segments},
                    {"damage", damage},
                    {"backups", backups},
                    {"not_looked_at", result.not_looked_at},
                    {"debris", result.debris},
                    {"state_digest", result.state_digest},
                    {"wal_ends", wal_ends}});
}

}  // namespace harness::cli

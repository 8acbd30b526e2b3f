#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/operations.hpp"
#include "backup_engine/verify.hpp"
#include "harness/cli/backup_drill.hpp"
#include "harness/cli/listing.hpp"
#include "harness/cli/operations_listing.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/cli/verbs.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
using backup_engine::postgres::to_string;

ExitCode execute(const BackupVerb& verb, const std::stop_token& stop) {
  require_drillable(verb);
  Terminal terminal(verb.progress);
  const auto result = backup_engine::take_backup(verb.request, terminal.progress("backup"), stop);
  const auto& summary = result.summary;
  terminal.finish();
  fmt::print("{}: {} in {} files, stored as {}, {}; WAL {} to {}\n", summary.label,
             base::bytes_text(summary.source_bytes), summary.file_count, base::bytes_text(summary.stored_bytes),
             base::seconds_text(result.seconds), to_string(summary.start_lsn), to_string(summary.stop_lsn));
  for (const auto& page : result.damaged_pages) {
    fmt::print("damaged page: {} block {}: its checksum is wrong; it was stored as it is\n", page.file, page.block);
  }
  for (const auto& copied : result.copied_databases.value_or(std::vector<backup_engine::CopiedDatabase>{})) {
    fmt::print("warning: {}\n", backup_engine::warning_of(copied));
  }
  if (!result.wal_follows) {
    fmt::print(
        "warning: its own WAL cannot be read from record to record, so it may not be restorable: `lifeboat verify "
        "--backup {}` says what is wrong; then take another\n",
        summary.label);
  }
  if (!summary.data_checksums) {
    fmt::print(
        "data checksums are off: a damaged page would be stored without a word; with the server stopped: pg_checksums "
        "--enable\n");
  }
  const auto code = result.damaged_pages.empty() ? ExitCode::pass : ExitCode::fail;
  return verb.drill ? worst({code, drill_backup(verb, summary, stop)}) : code;
}

namespace {

bool is_sound(const OperationsLogs& logs) {
  return std::ranges::all_of(logs, [](const auto& each) { return each.second.tampered.empty(); });
}

std::vector<backup_engine::ClusterSummary> clusters_to_list(const ListVerb& verb) {
  auto clusters = backup_engine::list_repository(verb.repository);
  if (!verb.cluster) return clusters;
  std::erase_if(clusters, [&](const auto& cluster) { return cluster.name != *verb.cluster; });
  if (clusters.empty()) {
    throw base::Error(base::ErrorKind::not_found, fmt::format("the repository {} holds nothing of a cluster {}",
                                                              verb.repository.text, *verb.cluster))
        .with_remedy("`lifeboat list` without --cluster shows what it holds");
  }
  return clusters;
}

}  // namespace

ExitCode execute(const ListVerb& verb) {
  const auto clusters = clusters_to_list(verb);
  OperationsLogs logs;
  CopiesByCluster copies;
  if (!verb.cluster) logs[""] = backup_engine::read_operations(verb.repository, "");
  for (const auto& cluster : clusters) {
    logs[cluster.name] = backup_engine::read_operations(verb.repository, cluster.name);
    copies[cluster.name] = backup_engine::list_copied_databases(verb.repository, cluster.name);
  }
  const auto now = base::utc_now();
  if (verb.operations) {
    for (const auto& [cluster, log] : logs) fmt::print("{}", operations_jsonl(log));
    for (const auto& [cluster, log] : logs) fmt::print(stderr, "{}", tampered_text(log));
  } else if (verb.format == OutputFormat::json) {
    fmt::print("{}", listing_json(clusters, copies, logs, now));
  } else {
    fmt::print("{}", listing_text(clusters, copies, now));
    for (const auto& [cluster, log] : logs) {
      const auto text = rates_text(log, now) + tampered_text(log);
      if (!text.empty()) fmt::print("operations of {}\n{}", cluster.empty() ? "the repository" : cluster, text);
    }
  }
  const bool readable = std::ranges::all_of(clusters, [](const auto& each) { return each.unreadable.empty(); });
  return readable && is_sound(logs) ? ExitCode::pass : ExitCode::fail;
}

ExitCode execute(const VerifyVerb& verb, const std::stop_token& stop) {
  Terminal terminal(verb.format == OutputFormat::json ? ProgressMode::none : ProgressMode::automatic);
  const backup_engine::VerifyRequest request{verb.repository, verb.cluster, verb.backup_label, verb.jobs, !verb.stored};
  const auto result = backup_engine::verify_repository(request, terminal.progress("verify"), stop);
  terminal.finish();
  fmt::print("{}", verb.format == OutputFormat::json ? verify_json(result) : verify_text(result));
  const bool sound = result.damage.empty() && std::all_of(result.backups.begin(), result.backups.end(),
                                                          [](const auto& b) { return b.restorable; });
  return sound ? ExitCode::pass : ExitCode::fail;
}

ExitCode execute(const RestoreVerb& verb, const std::stop_token& stop) {
  Terminal terminal(verb.progress);
  auto request = verb.request;
  request.lifeboat = std::filesystem::read_symlink("/proc/self/exe");
  const auto result = backup_engine::restore_backup(request, terminal.progress("restore"), stop);
  terminal.finish();
  fmt::print(
      "{} restored into {}: {} in {} files, {}\n"
      "every file is synced; start it with: pg_ctl start -D {} -o '-c recovery_init_sync_method=syncfs'\n",
      result.backup_label, request.to.string(), base::bytes_text(result.restored_bytes), result.file_count,
      base::seconds_text(result.fetch_seconds + result.restore_seconds), request.to.string());
  if (result.continued) fmt::print("it went on where an earlier restore had stopped\n");
  if (verb.request.existing == backup_engine::ExistingFiles::compare || result.continued) {
    fmt::print("{} were there already and stayed, {} were written, {} files were removed\n",
               base::bytes_text(result.reused_bytes), base::bytes_text(result.restored_bytes - result.reused_bytes),
               result.removed_files);
  }
  for (const auto& note : result.notes) fmt::print("note: {}\n", note);
  if (!result.safety_copy.empty()) {
    fmt::print(
        "the old cluster is kept as it was in {}: `lifeboat safety-copy roll-back --to {}` puts it back, "
        "`lifeboat safety-copy drop --to {}` removes it\n",
        result.safety_copy.string(), request.to.string(), request.to.string());
  }
  return ExitCode::pass;
}

}  // namespace harness::cli

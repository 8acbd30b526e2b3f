#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "harness/disaster/disaster.hpp"
#include "harness/drill/source_side.hpp"
#include "harness/scenario/disaster_kinds.hpp"
#include "harness/verify/mark_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using base::Deadline;

namespace {

constexpr auto quiet_limit = std::chrono::seconds(60);

}  // namespace

void SourceSide::play() {
  for (const auto& step : context_.plan.scenario.timeline) {
    if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    std::visit([this](const auto& what) { play_step(what); }, step.what);
  }
  // What passed since the loss of the server was the witness's.
  const auto until = survived() ? base::utc_now() : ended_at_.value_or(base::utc_now());
  if (harmed_at_) detect_seconds_ = std::chrono::duration<double>(until - *harmed_at_).count();
}

void SourceSide::play_step(const scenario::LoadStep& step) {
  context_.step("load.begin", fmt::format("load for {}", base::seconds_text(step.duration.count())));
  load_running_ = step.keep_running;
  load_->run_for(step.duration, step.keep_running ? workload::Afterwards::keep_running : workload::Afterwards::hold,
                 context_.stop);
  const auto so_far = load_->statistics();
  context_.journal.append("load.end", {{"attempted", std::to_string(so_far.attempted)},
                                       {"acknowledged", std::to_string(so_far.acknowledged_durably)}});
}

void SourceSide::play_step(const scenario::BackupStep& step) {
  context_.step("backup.begin", fmt::format("{} backup {}", scenario::to_string(step.type),
                                            step.by == scenario::BackupMethod::stream ? "over the connection alone"
                                                                                      : "by reading files"));
  const backup::BackupOptions options{server_->conninfo(), context_.workplace.source(), step.type,
                                      context_.plan.circumstances.jobs, step.by};
  backups_.push_back(
      backup::take_backup(repository_, options, context_.observer.progress(context_.plan.drill_id), context_.stop));
  const auto& taken = backups_.back();
  context_.journal.append("backup.done", {{"label", taken.label},
                                          {"source_bytes", std::to_string(taken.source_bytes)},
                                          {"stored_bytes", std::to_string(taken.stored_bytes)},
                                          {"stop_lsn", taken.stop_lsn}});
}

// A restore point is not flushed by itself: with a disaster right behind it, recovery would never find the mark. A
// commit flushes it (a message, which changes no table), and then the repository has to have it.
void SourceSide::bring_home(const record::Mark& mark) {
  server_->connect().query("SELECT pg_logical_emit_message(true, 'lifeboat', 'the mark is written')");
  wait_until_acknowledged(mark.lsn);
}

void SourceSide::play_step(const scenario::MarkStep& step) {
  context_.step("mark.begin", fmt::format("mark {}", step.name));
  load_->hold(Deadline::after(quiet_limit), context_.stop);
  const auto& restore = context_.plan.scenario.restore;
  const bool partial = restore.kind == scenario::RestoreKind::partial;
  const auto selected = partial ? std::optional(verify::scope_at_mark(restore.partial)) : std::nullopt;
  auto mark = verify::take_mark(cluster_of(*server_, dataset_), step.name, Deadline::after(quiet_limit), context_.stop,
                                selected);
  bring_home(mark);
  ledger_->wait_durable(Deadline::after(quiet_limit), context_.stop);
  mark.ledger_acknowledged = ledger_->durable_acknowledged();
  record::write_mark(context_.directory.mark(step.name), mark);
  context_.journal.append("mark.done", {{"name", mark.name}, {"lsn", mark.lsn}, {"time", mark.time}});
  points_.push_back(point_of(mark));
  marks_.push_back(std::move(mark));
  if (load_running_) load_->resume();
}

void SourceSide::play_step(const scenario::RestorePointStep& step) {
  context_.step("restore_point.begin", fmt::format("restore point {}", step.name));
  const auto row = server_->connect().query(
      "SELECT pg_create_restore_point($1), to_char(clock_timestamp() AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
      {step.name})[0];
  points_.push_back({step.name, step.name, row[0].value(), row[1].value(), ""});
  context_.journal.append("restore_point.done",
                          {{"name", step.name}, {"lsn", points_.back().lsn}, {"time", points_.back().time}});
}

// A receiver that is gone by now would make the loss look like that of a disaster. What it called durable must come
// back.
void SourceSide::note_acknowledged_wal() {
  if (archiver_) {
    acknowledged_lsn_ = archiver_->archived_lsn();
    context_.journal.append("archiver.acknowledged", {{"lsn", acknowledged_lsn_}});
    return;
  }
  receiver_->wait_until_streaming(server_->conninfo(), Deadline::after(context_.plan.server_start_limit),
                                  context_.stop);
  acknowledged_lsn_ = server_->connect()
                          .query(
                              "SELECT flush_lsn FROM pg_stat_replication WHERE application_name = $1 AND flush_lsn "
                              "IS NOT NULL",
                              {context_.plan.slot})
                          .single();
  context_.journal.append("receiver.acknowledged", {{"lsn", acknowledged_lsn_}});
}

// As its commit is stamped in the WAL: an exclusive target at that time leaves out the harm and nothing before it.
std::optional<std::string> SourceSide::time_of_harm(const std::string& xid) const {
  if (xid.empty()) return std::nullopt;
  const auto stamp = server_->connect().query(
      "SELECT CASE current_setting('track_commit_timestamp') WHEN 'on' THEN to_char(pg_xact_commit_timestamp(($1::int8 "
      "& 4294967295)::text::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') END",
      {xid});
  return stamp[0][0];
}

void SourceSide::play_step(const scenario::DisasterStep& step) {
  if (!archiving_broken_ && survived()) note_acknowledged_wal();
  context_.step("disaster.begin",
                fmt::format("disaster: {}{}{}", step.kind, step.argument.empty() ? "" : " ", step.argument));
  const auto source = context_.workplace.source();
  disaster::Victim victim{*server_, {}, [this] { complete_witness(); }, dataset_.load_database};
  if (std::filesystem::exists(source)) {
    victim.data_directory = faults::ExpendableDirectory::made_by_this_drill(source, context_.workplace.path());
  }
  victim.stop = context_.stop;
  victim.around = surroundings();
  victim.wal_volume = wal_volume_;
  auto struck = disaster::strike(step, victim);
  const auto time = time_of_harm(struck.xid).value_or(struck.began_at.empty() ? struck.record.at : struck.began_at);
  const auto effect = scenario::effect_of(step.kind);
  const auto at = base::parse_rfc3339(struck.record.at);
  if (effect == scenario::Effect::ends_server && !ended_at_) {
    ended_at_ = struck.ended_at.empty() ? at : base::parse_rfc3339(struck.ended_at);
  }
  const bool harmed = effect == scenario::Effect::ends_server || effect == scenario::Effect::changes_data;
  if (harmed && !harmed_at_) {
    harmed_at_ = at;
    points_.push_back({std::string(scenario::disaster_point), "", struck.lsn, time, struck.xid});
  }
  context_.journal.append(
      "disaster.struck",
      {{"kind", step.kind}, {"at", struck.record.at}, {"lsn", struck.lsn}, {"xid", struck.xid}, {"time", time}});
  disasters_.push_back(std::move(struck.record));
}

}  // namespace harness::drill

// A failover of the source: a standby takes its place, on a new timeline, and everything that lived beside the old
// server goes on beside the new one. The same repository takes the WAL of both.
#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/drill/source_side.hpp"
#include "harness/verify/commit_order_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
using base::Deadline;

namespace {

constexpr auto quiet_limit = std::chrono::seconds(60);
constexpr auto standby = "lifeboat_standby";

}  // namespace

// No commit is acknowledged from here on that the standby has not synced, so that the failover itself loses none. The
// writers are held for the change: who was answered just before it is waited for, and nobody in the midst of it.
void SourceSide::make_standby() {
  const auto& plan = context_.plan;
  context_.step("standby.begin", "make a synchronous standby of the source, with pg_basebackup");
  const auto number = std::to_string(++failovers_ + 1);
  server::StandbyOptions options{
      context_.workplace.path() / ("source-" + number), context_.directory.log("source-" + number), {}, standby};
  // What the primary had no time to archive before it was lost, nobody would archive otherwise.
  if (archiver_) options.settings["archive_mode"] = "always";
  standby_ = server::start_standby(*server_, options, Deadline::after(plan.backup_limit), context_.stop);
  // The receiver may be behind the standby when it comes over: what it lacks must be there still.
  if (receiver_) standby_->connect().query("SELECT pg_create_physical_replication_slot($1, true)", {plan.slot});
  // pg_basebackup brings segments that the standby takes for archived already.
  if (archiver_) wait_for_the_last_wal();
  load_->hold(Deadline::after(quiet_limit), context_.stop);
  server::wait_for_standbys(
      *server_,
      plan.scenario.source.wal.synchronous ? fmt::format("FIRST 2 ({}, {})", plan.slot, standby) : std::string(standby),
      standby, Deadline::after(plan.server_start_limit), context_.stop);
  server::wait_until_confirmed(*server_, standby, Deadline::after(quiet_limit), context_.stop);
  if (load_running_) write_until_it_strikes();
}

// A disaster does not wait for anybody to finish, nor for somebody who has no table left to write to.
void SourceSide::write_until_it_strikes() {
  load_->resume();
  const auto strikes = Deadline::after(std::chrono::milliseconds(100));
  base::poll_until(
      Deadline::after(quiet_limit), "the disaster to strike",
      [&]() -> std::optional<std::string> {
        return strikes.expired() ? std::nullopt : std::optional<std::string>("the load runs");
      },
      context_.stop);
}

std::string SourceSide::go_on_at_standby() {
  context_.step("standby.promote", "promote the standby");
  server::promote(*standby_, Deadline::after(context_.plan.server_start_limit));
  server_ = std::move(*standby_);
  standby_.reset();
  context_.workplace.move_source(server_->options().data_directory);
  if (wal_volume_) put_wal_on_volume();  // nobody is connected yet
  const auto fork = verify::read_reached_point(cluster_of(*server_, dataset_));
  const auto timeline = server_->connect().query("SELECT timeline_id FROM pg_control_checkpoint()").single();
  let_wal_leave_again();
  let_writers_connect_again();
  wait_for_the_last_wal();
  context_.journal.append(
      "standby.promoted",
      {{"timeline", timeline}, {"from_timeline", std::to_string(fork.timeline)}, {"lsn", fork.lsn}});
  return fmt::format("its synchronous standby left timeline {} at {} and goes on as timeline {}", fork.timeline,
                     fork.lsn, timeline);
}

// The witness first: it takes the WAL of the new timeline from its first segment on.
void SourceSide::let_wal_leave_again() {
  const auto limit = Deadline::after(context_.plan.server_start_limit);
  const auto earlier = witness_->directory();
  const auto number = failovers_ + 1;
  witness_ = server::WalWitness::start(*server_,
                                       {fmt::format("{}-{}", context_.workplace.witness().string(), number),
                                        context_.directory.log(fmt::format("witness-{}", number))},
                                       limit, context_.stop);
  witness_->take_over(earlier);
  if (archiver_) {
    archiver_.emplace(backup::WalArchiver::start(repository_, server_->conninfo()));
    return;
  }
  end_receiver();
  start_receiver(limit);
}

// Those of the old server were told nothing, and have ended.
void SourceSide::let_writers_connect_again() {
  load_->stop(Deadline::after(quiet_limit));
  const auto before = load_->statistics();
  context_.journal.append("load.cut_off", {{"attempted", std::to_string(before.attempted)},
                                           {"acknowledged", std::to_string(before.acknowledged_durably)},
                                           {"unknown", std::to_string(before.unknown)}});
  const auto& plan = context_.plan;
  load_.emplace(server_->conninfo(), dataset_, plan.scenario.source.load, plan.circumstances.seed, *ledger_);
  if (load_running_) load_->resume();
}

}  // namespace harness::drill

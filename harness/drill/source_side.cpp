#include "harness/drill/source_side.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "harness/disaster/disaster.hpp"
#include "harness/provision/provision.hpp"
#include "harness/verify/mark_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using base::Deadline;

namespace {

constexpr auto quiet_limit = std::chrono::seconds(60);

}  // namespace

void Context::step(std::string_view event, std::string_view text) const {
  journal.append(event, {{"text", std::string(text)}});
  observer.step(plan.drill_id, text);
}

verify::Cluster cluster_of(const server::Server& server, const workload::Dataset& dataset) {
  return {[&server](const std::string& database) { return server.connect(database); }, dataset.load_database};
}

SourceSide::SourceSide(Context context)
    : context_(std::move(context)),
      installation_(server::choose_installation(
          server::find_installations(context_.plan.circumstances.postgres_bin_directory), {})),
      dataset_(workload::read_dataset(context_.plan.circumstances.fixtures,
                                      context_.plan.scenario.source.provision.dataset)),
      repository_{context_.workplace.repository(), context_.plan.cluster, context_.workplace.lifeboat(),
                  context_.workplace.user()} {
  start_server();
  start_witnesses();
}

void SourceSide::start_server() {
  const auto& plan = context_.plan;
  const auto& provision = plan.scenario.source.provision;
  context_.step("source.provision", fmt::format("provision PostgreSQL {}, dataset {} at scale {}",
                                                to_string(installation_.version), provision.dataset, provision.scale));
  auto settings = plan.server_settings;
  settings.erase("synchronous_standby_names");  // see make_commits_synchronous
  provision::make_cluster(
      {installation_, context_.workplace.source(), provision.checksums, settings, context_.workplace.user()});
  server::ServerOptions options;
  options.installation = installation_;
  options.data_directory = context_.workplace.source();
  options.log_file = context_.directory.log("source");
  options.run_as = context_.workplace.user();
  server_ = server::Server::start(std::move(options));
  server_->wait_until_ready(Deadline::after(plan.server_start_limit), context_.stop);
  workload::load_dataset(dataset_, server_->conninfo(), installation_, provision.scale, plan.circumstances.seed,
                         Deadline::after(plan.backup_limit), context_.stop);
}

void SourceSide::start_witnesses() {
  const auto& plan = context_.plan;
  context_.step("source.witness", "start the WAL witness and the WAL receiver");
  const auto limit = Deadline::after(plan.server_start_limit);
  const auto start_witness = [&] {
    witness_ = server::WalWitness::start(*server_, {context_.workplace.witness(), context_.directory.log("witness")},
                                         limit, context_.stop);
  };
  const auto start_receiver = [&] {
    backup::init_repository(repository_);
    receiver_ = backup::WalReceiver::start(repository_,
                                           {server_->conninfo(), plan.slot, context_.directory.log("wal-receive")});
    receiver_->wait_until_streaming(server_->conninfo(), limit, context_.stop);
  };
  // Neither knows of the other, and both wait for the server and the disk.
  base::for_each_in_parallel(2, 2, [&](std::size_t which) { which == 0 ? start_witness() : start_receiver(); });
  if (plan.scenario.source.wal.synchronous) make_commits_synchronous();
  ledger_.emplace(context_.directory.ledger());
  load_.emplace(server_->conninfo(), dataset_, plan.scenario.source.load, plan.circumstances.seed, *ledger_);
}

// Only now: named before the receiver streams, every commit of the dataset would have waited for it.
void SourceSide::make_commits_synchronous() {
  const auto& plan = context_.plan;
  auto connection = server_->connect();
  connection.execute("ALTER SYSTEM SET synchronous_standby_names = " +
                     backup_engine::postgres::quote_literal(plan.slot));
  connection.execute("SELECT pg_reload_conf()");
  base::poll_until(
      Deadline::after(plan.server_start_limit), "the WAL receiver to become the synchronous standby",
      [&]() -> std::optional<std::string> {
        const auto rows =
            connection.query("SELECT sync_state FROM pg_stat_replication WHERE application_name = $1", {plan.slot});
        const auto state = rows.empty() ? std::string("not connected") : rows[0][0].value_or("no state");
        return state == "sync" ? std::nullopt : std::optional(state);
      },
      context_.stop);
}

std::map<std::string, std::string> SourceSide::settings() const {
  std::map<std::string, std::string> settings;
  const auto rows = server_->connect().query(
      "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY "
      "('{fsync,full_page_writes,data_checksums,synchronous_commit,synchronous_standby_names,wal_level,shared_buffers,"
      "wal_segment_size,max_connections,autovacuum}')");
  for (const auto& row : rows) settings[*row[0]] = *row[1];
  return settings;
}

void SourceSide::play() {
  for (const auto& step : context_.plan.scenario.timeline) {
    if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    std::visit([this](const auto& what) { play_step(what); }, step.what);
  }
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
  context_.step("backup.begin", fmt::format("{} backup by reading files", scenario::to_string(step.type)));
  const backup::BackupOptions options{server_->conninfo(), context_.workplace.source(), step.type,
                                      context_.plan.circumstances.jobs};
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
void SourceSide::wait_for_arrival(const std::string& lsn) {
  auto connection = server_->connect();
  connection.query("SELECT pg_logical_emit_message(true, 'lifeboat', 'the mark is written')");
  base::poll_until(
      Deadline::after(quiet_limit), "the mark to arrive in the repository",
      [&]() -> std::optional<std::string> {
        const auto rows = connection.query(
            "SELECT flush_lsn, flush_lsn >= $2::pg_lsn FROM pg_stat_replication WHERE application_name = $1",
            {context_.plan.slot, lsn});
        if (rows.empty()) return "the WAL receiver is not connected";
        return rows[0][1] == "t" ? std::nullopt : std::optional(rows[0][0].value_or("nothing was acknowledged"));
      },
      context_.stop);
}

void SourceSide::play_step(const scenario::MarkStep& step) {
  context_.step("mark.begin", fmt::format("mark {}", step.name));
  load_->hold(Deadline::after(quiet_limit), context_.stop);
  auto mark = verify::take_mark(cluster_of(*server_, dataset_), step.name, Deadline::after(quiet_limit), context_.stop);
  wait_for_arrival(mark.lsn);
  ledger_->wait_durable(Deadline::after(quiet_limit), context_.stop);
  mark.ledger_acknowledged = ledger_->durable_acknowledged();
  record::write_mark(context_.directory.mark(step.name), mark);
  context_.journal.append("mark.done", {{"name", mark.name}, {"lsn", mark.lsn}, {"time", mark.time}});
  marks_.push_back(std::move(mark));
  if (load_running_) load_->resume();
}

void SourceSide::play_step(const scenario::RestorePointStep& step) {
  context_.step("restore_point.begin", fmt::format("restore point {}", step.name));
  const auto lsn = server_->connect().query("SELECT pg_create_restore_point($1)", {step.name}).single();
  context_.journal.append("restore_point.done", {{"name", step.name}, {"lsn", lsn}});
}

// A receiver that is gone by now would make the loss look like that of a disaster. What it called durable must come
// back.
void SourceSide::note_acknowledged_wal() {
  const auto conninfo = server_->conninfo();
  receiver_->wait_until_streaming(conninfo, Deadline::after(context_.plan.server_start_limit), context_.stop);
  acknowledged_lsn_ = server_->connect()
                          .query(
                              "SELECT flush_lsn FROM pg_stat_replication WHERE application_name = $1 AND flush_lsn "
                              "IS NOT NULL",
                              {context_.plan.slot})
                          .single();
  context_.journal.append("receiver.acknowledged", {{"lsn", acknowledged_lsn_}});
}

void SourceSide::play_step(const scenario::DisasterStep& step) {
  note_acknowledged_wal();
  context_.step("disaster.begin", fmt::format("disaster: {}", step.kind));
  const disaster::Victim victim{
      *server_, faults::ExpendableDirectory::made_by_this_drill(context_.workplace.source(), context_.workplace.path()),
      [this] {
        witness_->stop(Deadline::after(quiet_limit));
        (void)server::complete_witness(witness_->directory(), context_.workplace.source() / "pg_wal");
      },
      dataset_.load_database};
  disasters_.push_back(disaster::strike(step, victim).record);
  context_.journal.append("disaster.struck", {{"kind", step.kind}, {"at", disasters_.back().at}});
}

void SourceSide::end_load() {
  load_->stop(Deadline::after(quiet_limit));
  ledger_->close();
  const auto total = load_->statistics();
  context_.journal.append("load.ended", {{"attempted", std::to_string(total.attempted)},
                                         {"acknowledged", std::to_string(total.acknowledged_durably)},
                                         {"aborted", std::to_string(total.aborted)},
                                         {"unknown", std::to_string(total.unknown)}});
}

double SourceSide::end_receiver() {
  const auto began = Deadline::Clock::now();
  const auto ended = receiver_->stop(Deadline::after(quiet_limit));
  const std::chrono::duration<double> took = Deadline::Clock::now() - began;
  context_.journal.append("receiver.ended", {{"status", process::to_text(ended)}});
  if (!ended.success()) {
    throw base::Error(base::ErrorKind::process, fmt::format("the WAL receiver ended with {}", process::to_text(ended)))
        .with_remedy("read logs/wal-receive.log in the drill's directory");
  }
  return took.count();
}

const std::filesystem::path& SourceSide::witness_directory() const {
  return witness_->directory();
}

}  // namespace harness::drill

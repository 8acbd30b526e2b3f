#include "harness/drill/source_side.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "harness/provision/provision.hpp"
#include "harness/provision/wal_volume.hpp"
#include "harness/restore/surroundings.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/witness_line.hpp"

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
  return verify::cluster_of(server, dataset.load_database);
}

verify::Cluster view_of(const Context& context, const server::Server& server, const std::string& database) {
  const auto& restore = context.plan.scenario.restore;
  const bool one_database = restore.kind == scenario::RestoreKind::partial && !restore.partial.database.empty();
  auto cluster = verify::cluster_of(server, database);
  return one_database ? verify::scoped(std::move(cluster), verify::scope_of_restored(restore.partial)) : cluster;
}

bool restores_into_source(const scenario::Restore& restore) {
  return restore.kind == scenario::RestoreKind::partial && restore.partial.database.empty();
}

SourceSide::SourceSide(Context context)
    : context_(std::move(context)),
      installation_(server::choose_installation(
          server::find_installations(context_.plan.circumstances.postgres_bin_directory), {})),
      dataset_(workload::read_dataset(context_.plan.circumstances.fixtures,
                                      context_.plan.scenario.source.provision.dataset)),
      repository_{context_.workplace.repository(), context_.plan.cluster, context_.workplace.lifeboat(),
                  context_.workplace.user(),
                  context_.plan.scenario.repository.encrypted ? context_.workplace.key_file() : ""} {
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
  if (plan::step_that_fills_disk(plan.scenario) != nullptr) put_wal_on_volume();
}

// Of the server that is the source now. Not before the dataset is loaded: its WAL might have filled it.
void SourceSide::put_wal_on_volume() {
  const auto limit = Deadline::after(context_.plan.server_start_limit);
  auto options = server_->options();
  server_->stop(server::StopMode::fast, limit);
  wal_volume_ = provision::put_wal_on_volume(options.data_directory, plan::wal_volume_bytes, options.run_as);
  options.volume = wal_volume_;
  server_ = server::Server::start(std::move(options));
  server_->wait_until_ready(limit, context_.stop);
}

void SourceSide::start_witnesses() {
  const auto& plan = context_.plan;
  const bool archives = plan.scenario.source.wal.by == scenario::WalTransport::archive;
  context_.step("source.witness",
                archives ? "start the WAL witness and the archiver" : "start the WAL witness and the WAL receiver");
  const auto limit = Deadline::after(plan.server_start_limit);
  const auto start_witness = [&] {
    witness_ = server::WalWitness::start(*server_, {context_.workplace.witness(), context_.directory.log("witness")},
                                         limit, context_.stop);
  };
  const auto start_transport = [&] {
    backup::init_repository(repository_);
    if (archives) {
      archiver_ = backup::WalArchiver::start(repository_, server_->conninfo());
    } else {
      start_receiver(limit);
    }
  };
  // Neither knows of the other, and both wait for the server and the disk.
  base::for_each_in_parallel(2, 2, [&](std::size_t which) { which == 0 ? start_witness() : start_transport(); });
  if (plan.scenario.source.wal.synchronous) make_commits_synchronous();
  ledger_.emplace(context_.directory.ledger());
  load_.emplace(server_->conninfo(), dataset_, plan.scenario.source.load, plan.circumstances.seed, *ledger_);
}

void SourceSide::start_receiver(const Deadline& limit) {
  receiver_ = backup::WalReceiver::start(
      repository_, {server_->conninfo(), context_.plan.slot, context_.directory.log("wal-receive")});
  receiver_->wait_until_streaming(server_->conninfo(), limit, context_.stop);
}

// Only now: named before the receiver streams, every commit of the dataset would have waited for it.
void SourceSide::make_commits_synchronous() {
  const auto& plan = context_.plan;
  server::wait_for_standbys(*server_, plan.slot, plan.slot, Deadline::after(plan.server_start_limit), context_.stop);
}

std::map<std::string, std::string> telling_settings(const server::Server& server) {
  std::map<std::string, std::string> settings;
  const auto rows = server.connect().query(
      "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY "
      "('{fsync,full_page_writes,data_checksums,synchronous_commit,synchronous_standby_names,wal_level,shared_buffers,"
      "wal_segment_size,max_connections,autovacuum}')");
  for (const auto& row : rows) settings[*row[0]] = *row[1];
  return settings;
}

SourceSide::Spent SourceSide::hold() {
  context_.step("source.hold", "hold the load, wait for the last WAL");
  const auto began = Deadline::Clock::now();
  load_->hold(Deadline::after(quiet_limit), context_.stop);
  wait_for_the_last_wal();
  const std::chrono::duration<double> took = Deadline::Clock::now() - began;
  ledger_->wait_durable(Deadline::after(quiet_limit), context_.stop);
  return {detect_seconds_, took.count()};
}

void SourceSide::wait_until_acknowledged(const std::string& lsn) {
  if (archiver_) return archiver_->wait_until_archived(lsn, Deadline::after(quiet_limit), context_.stop);
  auto connection = server_->connect();
  base::poll_until(
      Deadline::after(quiet_limit), fmt::format("{} to arrive in the repository", lsn),
      [&]() -> std::optional<std::string> {
        const auto rows = connection.query(
            "SELECT flush_lsn, flush_lsn >= $2::pg_lsn FROM pg_stat_replication WHERE application_name = $1",
            {context_.plan.slot, lsn});
        if (rows.empty()) return "the WAL receiver is not connected";
        return rows[0][1] == "t" ? std::nullopt : std::optional(rows[0][0].value_or("nothing was acknowledged"));
      },
      context_.stop);
}

void SourceSide::wait_for_the_last_wal() {
  wait_until_acknowledged(server_->connect().query("SELECT pg_current_wal_flush_lsn()").single());
}

SourceSide::Spent SourceSide::end() {
  double spent = 0;
  const auto took = [&](const auto& work) {
    const auto began = Deadline::Clock::now();
    work();
    spent += std::chrono::duration<double>(Deadline::Clock::now() - began).count();
  };
  if (survived()) {
    context_.step("source.end", "stop the load, wait for the last WAL, shut the source down");
    took([&] { end_load(); });
    took([&] { shut_down(); });
    complete_witness();
  } else {
    end_load();  // nobody has to stop what worked on a server that is gone
  }
  took([&] { end_receiver(); });
  return {detect_seconds_, spent};
}

void SourceSide::serve_wal() {
  try {
    served_wal_ = restore::ServedWal::where_needed({repository_.directory, repository_.cluster, repository_.key_file},
                                                   context_.workplace.user(), restore::surroundings());
  } catch (const base::Error& error) {
    // A disaster may have struck the repository: what comes of that the restore says. Its server is shown what is left.
    context_.journal.append("wal.not_served", {{"why", error.what()}});
  }
  if (served_wal_) {
    context_.step("wal.serve", "serve WAL through a socket: the restored servers do not see the repository");
  }
}

Origin SourceSide::origin() const {
  Origin origin{repository_, dataset_.load_database};
  if (served_wal_) origin.wal_socket = served_wal_->socket();
  return origin;
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

// A server that is shut down fast waits until everyone who streams from it has confirmed its last record.
void SourceSide::shut_down() {
  wait_for_the_last_wal();
  note_acknowledged_wal();
  server_->stop(server::StopMode::fast, Deadline::after(context_.plan.server_start_limit));
  const auto ended = server_->ended();
  context_.journal.append("source.ended", {{"status", ended ? process::to_text(*ended) : "it runs"}});
  if (ended && ended->success()) return;
  throw base::Error(base::ErrorKind::process, "the source did not shut down in good order: its last WAL is in doubt")
      .with_remedy("read logs/source.log in the drill's directory");
}

void SourceSide::complete_witness() {
  witness_->stop(Deadline::after(quiet_limit));
  const auto pg_wal = wal_volume_ ? wal_volume_->path() : context_.workplace.source() / "pg_wal";
  (void)server::complete_witness(witness_->directory(), pg_wal);
}

void SourceSide::end_receiver() {
  if (!receiver_) return;  // or archiving is broken
  const auto ended = receiver_->stop(Deadline::after(quiet_limit));
  context_.journal.append("receiver.ended", {{"status", process::to_text(ended)}});
  if (!ended.success()) {
    throw base::Error(base::ErrorKind::process, fmt::format("the WAL receiver ended with {}", process::to_text(ended)))
        .with_remedy("read logs/wal-receive.log in the drill's directory");
  }
}

std::vector<record::CommitRecord> SourceSide::commits() const {
  verify::ToolOptions options;
  options.bin_directory = installation_.bin_directory;
  options.run_as = context_.workplace.user();
  options.stop = context_.stop;
  const auto newest = verify::newest_timeline(witness_directory(), backups_.front().timeline);
  return verify::read_commit_order(options, {witness_directory(), backups_.front().start_lsn, newest}).records;
}

const std::filesystem::path& SourceSide::witness_directory() const {
  return witness_->directory();
}

}  // namespace harness::drill

#include "tests/sabotage/twin.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/measure/exactness.hpp"
#include "harness/provision/provision.hpp"
#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/constraint_probe.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/mark_probe.hpp"
#include "harness/verify/roll_back_probe.hpp"
#include "harness/verify/selected_probe.hpp"
#include "harness/verify/sql_probe.hpp"
#include "harness/verify/tool_runs.hpp"
#include "harness/workload/dataset.hpp"
#include "tests/pg/server/test_installation.hpp"
#include "tests/support/places.hpp"

namespace harness {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::postgres::Connection;
using reports::record::Check;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using verify::Records;

namespace {

const fs::path fixtures = tests::source_directory() / "fixtures";
std::unique_ptr<Bench> bench;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(120));
}

std::int64_t now_microseconds() {
  return backup_engine::base::utc_now().time_since_epoch().count();
}

bool asked(const std::vector<CheckKind>& kinds, CheckKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

std::multimap<CheckKind, std::string>& twins() {
  static std::multimap<CheckKind, std::string> all;
  return all;
}

bool add_twin(CheckKind kind, const char* name) {
  twins().emplace(kind, name);
  return true;
}

Bench& Bench::shared() {
  if (!bench) bench = std::make_unique<Bench>();
  return *bench;
}

void Bench::finish() {
  bench.reset();
}

Bench::Bench()
    : user_(server::resolve_server_user("")),
      directory_(server::OwnedDirectory::create("/var/tmp", user_)),
      installation_(server::test_installation()) {
  fill_source();
  run_transactions(60);
  const auto cluster = verify::cluster_of(*source_, "shop");
  mark_ = verify::take_mark(cluster, "bench", soon(), {}, verify::scope_at_mark(one_table()));
  process::Command backup;
  backup.program = installation_.program("pg_basebackup");
  backup.arguments = {
      "--host",   source_->socket_directory().string(),    "--username",         "postgres", "--checkpoint=fast",
      "--pgdata", (directory_.path() / "backup").string(), "--wal-method=stream"};
  backup.run_as = user_;
  const auto done = process::run(backup, soon());
  if (!done.status.success()) throw std::runtime_error("pg_basebackup: " + done.output);
}

void Bench::fill_source() {
  server::ServerOptions options;
  options.installation = installation_;
  options.data_directory = directory_.path() / "source";
  options.log_file = directory_.path() / "source.log";
  options.run_as = user_;
  provision::make_cluster({.installation = installation_,
                           .data_directory = options.data_directory,
                           .checksums = true,
                           .settings = {{"wal_level", "replica"}, {"autovacuum", "off"}, {"wal_keep_size", "1GB"}},
                           .run_as = user_});
  source_ = server::Server::start(options);
  source_->wait_until_ready(soon());
  const auto dataset = workload::read_dataset(fixtures, "ecommerce");
  workload::load_dataset(dataset, source_->conninfo(), installation_, 1, 7, soon());
}

// One writer's load, written down as the ledger would.
void Bench::run_transactions(int count) {
  auto connection = source_->connect("shop");
  for (int id = 1; id <= count; ++id) {
    connection.execute("BEGIN");
    const auto row = connection.query("SELECT xid, digest FROM lifeboat.transact($1, 0, 'shop.place_order', $2)",
                                      {std::to_string(id), std::to_string(id * 17)})[0];
    LedgerTransaction transaction;
    transaction.id = id;
    transaction.xid = verify::to_count(row[0]);
    transaction.digest = verify::to_text(row[1]);
    transaction.sent_microseconds = now_microseconds();
    connection.execute("COMMIT");
    transaction.answered_microseconds = now_microseconds();
    transaction.outcome = LedgerOutcome::acknowledged;
    ledger_.push_back(transaction);
  }
}

RowPlace Bench::place_of(const std::string& table, const std::string& where) {
  auto connection = source_->connect("shop");
  const auto row =
      connection.query(fmt::format("SELECT pg_relation_filepath(tableoid), (ctid::text::point)[0]::int, "
                                   "(ctid::text::point)[1]::int FROM {} WHERE {} LIMIT 1",
                                   table, where))[0];
  return {verify::to_text(row[0]), static_cast<std::uint32_t>(verify::to_count(row[1])),
          static_cast<std::uint16_t>(verify::to_count(row[2]))};
}

fs::path Bench::copy_backup() {
  auto target = directory_.path() / fmt::format("copy{}", ++copies_);
  process::Command copy;
  copy.program = "/bin/cp";
  copy.arguments = {"--archive", (directory_.path() / "backup").string(), target.string()};
  const auto done = process::run(copy, soon());
  if (!done.status.success()) throw std::runtime_error("cp: " + done.output);
  return target;
}

Records Bench::examine(std::initializer_list<CheckKind> kinds, const Sabotage& sabotage) {
  Records records;
  records.marks = {mark_};
  records.ledger = ledger_;
  const auto directory = copy_backup();
  if (sabotage.on_disk) sabotage.on_disk(directory);
  probe_directory(directory, kinds, records);
  recover(directory, [&](const server::Server& server) {
    const auto rest = verify::scoped(verify::cluster_of(server, "shop"), verify::scope_of_untouched(one_table()));
    const bool twice = asked(kinds, CheckKind::untouched);
    if (twice) records.evidence.untouched.emplace().before = verify::probe_selected(rest);
    auto connection = server.connect("shop");
    if (sabotage.in_database) sabotage.in_database(connection);
    probe_server(server, kinds, records);
    if (twice)
      records.evidence.untouched->after = verify::probe_selected(rest, &records.evidence.untouched->before.content);
  });
  fs::remove_all(directory);
  return records;
}

Records Bench::examine_partial(const std::function<void(Connection&)>& restore) {
  Records records;
  records.marks = {mark_};
  records.ledger = ledger_;
  auto& evidence = records.evidence;
  evidence.content_mark = mark_.name;
  on_copy([&](const server::Server& server) {
    const auto cluster = verify::cluster_of(server, "shop");
    const auto rest = verify::scoped(cluster, verify::scope_of_untouched(one_table()));
    evidence.untouched.emplace().before = verify::probe_selected(rest);
    auto connection = server.connect("shop");
    restore(connection);
    evidence.untouched->after = verify::probe_selected(rest, &evidence.untouched->before.content);
    evidence.selected = verify::probe_selected(verify::scoped(cluster, verify::scope_of_restored(one_table())),
                                               &mark_.selected->content);
    evidence.sequences = verify::probe_sequences(cluster);
  });
  return records;
}

reports::record::Evidence Bench::examine_roll_back(const std::function<void(Connection&)>& meanwhile) {
  reports::record::Evidence evidence;
  on_copy([&](const server::Server& server) {
    const auto cluster = verify::cluster_of(server, "shop");
    auto& looks = evidence.roll_back.emplace();
    looks.before = verify::look_at_all(cluster);
    auto connection = server.connect("shop");
    meanwhile(connection);
    looks.after = verify::look_at_all(cluster, &looks.before.content);
  });
  return evidence;
}

void Bench::on_copy(const std::function<void(const server::Server&)>& work) {
  const auto directory = copy_backup();
  recover(directory, work);
  fs::remove_all(directory);
}

// Archive recovery over the WAL that came with the backup: it ends there and promotes to a timeline of its own.
void Bench::recover(const fs::path& directory, const std::function<void(const server::Server&)>& work) {
  server::ServerOptions options = source_->options();
  options.data_directory = directory;
  options.log_file = directory_.path() / "copy.log";
  options.settings = {
      {"restore_command", "/bin/false"}, {"autovacuum", "off"}, {"recovery_init_sync_method", "syncfs"}};
  process::Command signal;
  signal.program = "/usr/bin/touch";
  signal.arguments = {(directory / "recovery.signal").string()};
  signal.run_as = user_;
  (void)process::run(signal, soon());
  auto server = server::Server::start(options);
  server.wait_until_ready(soon());
  auto connection = server.connect("shop");
  backup_engine::base::poll_until(soon(), "promotion", [&]() -> std::optional<std::string> {
    if (connection.query("SELECT pg_is_in_recovery()").single() == "f") return std::nullopt;
    return "in recovery";
  });
  work(server);
}

void Bench::probe_directory(const fs::path& directory, const std::vector<CheckKind>& kinds, Records& records) {
  verify::ToolOptions tools;
  tools.bin_directory = installation_.bin_directory;
  tools.run_as = user_;
  auto& evidence = records.evidence;
  if (asked(kinds, CheckKind::verifybackup)) evidence.verify_backup = verify::run_verifybackup(tools, directory);
  if (asked(kinds, CheckKind::page_checksums)) evidence.page_checksums = verify::run_checksums(tools, directory);
}

void Bench::probe_server(const server::Server& server, const std::vector<CheckKind>& kinds, Records& records) {
  const auto cluster = verify::cluster_of(server, "shop");
  verify::ToolOptions tools;
  tools.bin_directory = installation_.bin_directory;
  auto& evidence = records.evidence;
  if (asked(kinds, CheckKind::ledger)) {
    evidence.ledger = verify::probe_ledger(cluster);
    const verify::WitnessWal witness{directory_.path() / "source" / "pg_wal", "", 1};
    evidence.commit_order = verify::probe_commit_order(tools, witness, cluster, *evidence.ledger);
  }
  if (asked(kinds, CheckKind::content) || asked(kinds, CheckKind::sequences)) {
    evidence.content = verify::probe_content(cluster, &mark_.content);
    evidence.content_mark = mark_.name;
  }
  if (asked(kinds, CheckKind::constraints)) evidence.constraints = verify::probe_constraints(cluster);
  if (asked(kinds, CheckKind::sequences)) evidence.sequences = verify::probe_sequences(cluster);
  if (asked(kinds, CheckKind::catalog) || asked(kinds, CheckKind::settings)) {
    evidence.catalog = verify::probe_catalog(cluster, server.options().settings);
  }
  if (asked(kinds, CheckKind::sql))
    evidence.sql.push_back(verify::probe_sql(cluster, request_for(CheckKind::sql).sql_file));
  if (asked(kinds, CheckKind::amcheck)) {
    evidence.amcheck =
        verify::run_amcheck(tools, cluster, {"--host", server.socket_directory().string(), "--username", "postgres"});
  }
}

scenario::PartialRestore one_table() {
  scenario::PartialRestore partial;
  partial.tables = {"shop.orders"};
  return partial;
}

scenario::CheckRequest request_for(CheckKind kind) {
  return {kind, kind == CheckKind::sql ? fixtures / "checks" / "ecommerce.sql" : fs::path()};
}

Check judged(CheckKind kind, const Records& records) {
  return verify::judge({request_for(kind)}, records).checks.at(0);
}

reports::record::Exactness exactness(const Records& records) {
  return measure::measure_exactness(records.evidence.commit_order.value(), records.ledger.value(),
                                    {measure::StopPosition::Kind::end_of_wal, {}, {}});
}

void expect_named(const Check& check, const std::string& object, const std::string& words) {
  EXPECT_EQ(check.verdict, reports::record::Verdict::fail) << check.summary;
  const bool named = std::any_of(check.findings.begin(), check.findings.end(), [&](const auto& finding) {
    return finding.object.find(object) != std::string::npos &&
           (finding.key + " " + finding.text).find(words) != std::string::npos;
  });
  std::string said;
  for (const auto& finding : check.findings) said += finding.object + " [" + finding.key + "] " + finding.text + "\n";
  EXPECT_TRUE(named) << "nothing names " << object << " with '" << words << "'; findings:\n" << said;
}

}  // namespace harness

#include "harness/cli/wal_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/rate_limit.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/cli/repository_options.hpp"
#include "harness/cli/wal_fetch.hpp"
#include "harness/cli/wal_push.hpp"

namespace harness::cli {

namespace {

void add_cluster(CLI::App& verb, backup_engine::RepositoryLocation& repository, std::string& cluster) {
  add_repository(verb, repository);
  verb.add_option("--cluster", cluster, "the cluster's name in the repository")->required();
}

void add_receive(CLI::App& wal, WalOptions& options, std::optional<Verb>& asked) {
  auto& request = options.receive.request;
  auto* verb = wal.add_subcommand("receive", "Stream WAL into the repository until SIGTERM or SIGINT");
  add_cluster(*verb, request.repository, request.cluster);
  verb->add_option("--dbname", request.conninfo, "connection string of the running server (that of lifeboat.yaml)");
  verb->add_option("--slot", request.slot, "replication slot (that of lifeboat.yaml)");
  auto* create = verb->add_flag("--create-slot", options.create_slot, "make the slot first, if it is not there");
  verb->add_flag("--drop-slot", options.drop_slot, "drop the slot and end")->excludes(create);
  verb->add_option("--standby-name", request.standby_name,
                   "the name that synchronous_standby_names matches (that of the slot)");
  verb->add_option("--max-rate", options.max_rate, "bytes a second to take at most, as 10MB (as fast as they come)");
  verb->add_option("--compress", options.receive_compression, "none, lz4 or zstd[:LEVEL]")->capture_default_str();
  verb->callback([&options, &request, &asked] {
    backup_engine::postgres::refuse_password(request.conninfo);
    request.compression = backup_engine::parse_compression(options.receive_compression);
    if (!options.max_rate.empty()) {
      request.max_bytes_per_second = backup_engine::base::parse_rate(options.max_rate);
    }
    if (options.create_slot) request.slot_action = backup_engine::SlotAction::create;
    if (options.drop_slot) request.slot_action = backup_engine::SlotAction::drop;
    asked = options.receive;
  });
}

void add_push(CLI::App& wal, WalOptions& options, std::optional<Verb>& asked) {
  auto* verb = wal.add_subcommand("push", "For archive_command: lifeboat wal push … %p");
  add_wal_push_options(*verb, options.push.request);
  verb->callback([&options, &asked] { asked = options.push; });
}

void add_fetch(CLI::App& wal, WalOptions& options, std::optional<Verb>& asked) {
  auto* verb = wal.add_subcommand("fetch", "For restore_command: lifeboat wal fetch … %f %p");
  add_wal_fetch_options(*verb, options.fetch.request);
  verb->callback([&options, &asked] { asked = options.fetch; });
}

void add_check(CLI::App& wal, WalOptions& options, std::optional<Verb>& asked) {
  auto& request = options.check.request;
  auto* verb = wal.add_subcommand("check", "Say what can be recovered, which WAL is missing, and what holds WAL back");
  add_cluster(*verb, request.repository, request.cluster);
  verb->add_option("--dbname", request.conninfo, "connection string of the running server, to look at its slots too");
  verb->add_flag("--json", options.json, "as JSON");
  verb->callback([&options, &request, &asked] {
    if (!request.conninfo.empty()) backup_engine::postgres::refuse_password(request.conninfo);
    if (options.json) options.check.format = OutputFormat::json;
    asked = options.check;
  });
}

}  // namespace

void add_wal_verbs(CLI::App& app, WalOptions& options, std::optional<Verb>& asked) {
  auto* wal = app.add_subcommand("wal", "WAL into and out of a repository")->require_subcommand(1);
  add_receive(*wal, options, asked);
  add_push(*wal, options, asked);
  add_fetch(*wal, options, asked);
  add_check(*wal, options, asked);
}

}  // namespace harness::cli

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/repository.hpp"
#include "harness/cli/circumstances.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/restore/scratch.hpp"
#include "harness/server/installation.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
using base::Error;
using base::ErrorKind;

namespace {

constexpr auto label = "extract";

int major_of_cluster(const ExtractVerb& verb) {
  const auto clusters = backup_engine::list_repository(verb.repository);
  const auto found =
      std::find_if(clusters.begin(), clusters.end(), [&](const auto& cluster) { return cluster.name == verb.cluster; });
  if (found == clusters.end() || found->backups.empty()) {
    throw Error(ErrorKind::not_found,
                fmt::format("the repository {} holds no backup of a cluster {}", verb.repository.text, verb.cluster))
        .with_remedy("`lifeboat list` shows what it holds");
  }
  return found->postgres_major;
}

restore::Stop stop_of(backup_engine::TargetKind kind) {
  using backup_engine::TargetKind;
  switch (kind) {
    case TargetKind::end_of_wal:
      return restore::Stop::end_of_wal;
    case TargetKind::immediate:
      return restore::Stop::immediate;
    case TargetKind::name:
      return restore::Stop::name;
    case TargetKind::time:
      return restore::Stop::time;
    case TargetKind::lsn:
      return restore::Stop::lsn;
    case TargetKind::xid:
      return restore::Stop::xid;
  }
  return restore::Stop::end_of_wal;
}

restore::ScratchOrder scratch_order(const ExtractVerb& verb, const server::Installation& installation,
                                    const extract::LiveServer& live) {
  restore::ScratchOrder order;
  order.files.repository = verb.repository.text;
  order.files.key_file = verb.repository.key_file;
  order.files.cluster = verb.cluster;
  order.files.databases = {live.database};
  order.files.lifeboat = own_executable();
  order.files.backup_label = verb.backup_label;
  order.files.jobs = verb.jobs;
  order.files.target.stop = stop_of(verb.target.kind);
  order.files.target.value = verb.target.value;
  order.files.target.inclusive = verb.target.inclusive;
  order.files.target.timeline = verb.target.timeline;
  order.installation = installation;
  order.run_as = server::resolve_server_user(verb.run_as);
  order.parent = std::filesystem::absolute(verb.work_directory);
  order.superuser = live.first_superuser;
  return order;
}

void print(const extract::Extracted& extracted) {
  for (const auto& object : extracted.objects) fmt::print("in place: {}\n", object);
  fmt::print("{} rows; taken in {}, put in place in {}\n", extracted.rows, base::seconds_text(extracted.dump_seconds),
             base::seconds_text(extracted.load_seconds));
  for (const auto& finding : extracted.findings) {
    fmt::print("to know: {}{}: {}\n", finding.object, finding.key.empty() ? "" : fmt::format(" [{}]", finding.key),
               finding.text);
  }
}

// What stays behind of our own is said, and is an exit code of its own.
ExitCode clean_up(restore::Scratch& scratch, server::OwnedDirectory& work) {
  auto code = ExitCode::pass;
  for (const auto& left : {scratch.remove(), work.remove()}) {
    if (left.empty()) continue;
    fmt::print(stderr, "lifeboat: could not be removed: {}\n", left);
    code = ExitCode::cleanup;
  }
  return code;
}

}  // namespace

ExitCode execute(const ExtractVerb& verb, const std::stop_token& stop) {
  Terminal terminal(verb.progress);
  auto order = verb.order;
  order.installation =
      server::choose_installation(server::find_installations(verb.bin_directory), major_of_cluster(verb));
  terminal.step(label, "look at the live database");
  const auto live = extract::require_possible(order);

  terminal.step(label, "restore the scratch server");
  auto scratch = restore::Scratch::make(scratch_order(verb, order.installation, live), terminal.progress(label), stop);
  auto work = server::OwnedDirectory::create(std::filesystem::absolute(verb.work_directory), std::nullopt);
  order.scratch_conninfo = scratch.conninfo(live.database);
  order.work_directory = work.path();
  terminal.step(label, fmt::format("take from {} what is wanted, and put it into the live database",
                                   scratch.restored().backup_label));
  const auto extracted = extract::extract(order, terminal.progress(label), stop);
  terminal.finish();
  for (const auto& note : scratch.restored().notes) {
    // Which databases are hollow matters to nobody: the server is gone in a moment.
    if (!note.starts_with("not restored")) fmt::print("{}\n", note);
  }
  print(extracted);
  return clean_up(scratch, work);
}

}  // namespace harness::cli

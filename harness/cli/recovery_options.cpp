#include "harness/cli/recovery_options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <vector>

#include "backup_engine/base/error.hpp"

namespace harness::cli {

using backup_engine::RecoveryTarget;
using backup_engine::TargetAction;
using backup_engine::TargetKind;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

struct GivenTarget {
  const char* option;
  TargetKind kind;
  std::string value;
};

std::vector<GivenTarget> given_targets(const RecoveryOptions& options) {
  std::vector<GivenTarget> given;
  const auto add = [&given](const char* option, TargetKind kind, const std::optional<std::string>& value) {
    if (value) given.push_back({option, kind, *value});
  };
  add("--target-time", TargetKind::time, options.time);
  add("--target-lsn", TargetKind::lsn, options.lsn);
  add("--target-xid", TargetKind::xid, options.xid);
  add("--target-name", TargetKind::name, options.name);
  if (options.immediate) given.push_back({"--target-immediate", TargetKind::immediate, ""});
  return given;
}

TargetAction action_of(const std::string& word) {
  if (word == "pause") return TargetAction::pause;
  return word == "shutdown" ? TargetAction::shutdown : TargetAction::promote;
}

bool has_exclusive_form(TargetKind kind) {
  return kind == TargetKind::time || kind == TargetKind::lsn || kind == TargetKind::xid;
}

}  // namespace

void add_recovery_options(CLI::App& verb, RecoveryOptions& options) {
  verb.add_option("--backup", options.backup_label, "label of the backup (the newest that can reach the target)");
  verb.add_option("--target-time", options.time, "recover to this time, with its zone: 2026-11-20 02:15:00+01");
  verb.add_option("--target-lsn", options.lsn, "recover to this WAL position: 16/B374D848");
  verb.add_option("--target-xid", options.xid, "recover to the end of this transaction");
  verb.add_option("--target-name", options.name, "recover to this restore point");
  verb.add_flag("--target-immediate", options.immediate, "recover to the backup's own consistent point");
  verb.add_flag("--target-exclusive", options.exclusive, "stop just before the time, LSN or transaction");
  verb.add_option("--target-timeline", options.timeline, "latest, current or a number (latest)");
}

void add_target_action(CLI::App& verb, RecoveryOptions& options) {
  verb.add_option("--target-action", options.action, "promote, pause or shutdown, once there")
      ->check(CLI::IsMember({"promote", "pause", "shutdown"}))
      ->capture_default_str();
}

RecoveryTarget recovery_target(const RecoveryOptions& options) {
  const auto given = given_targets(options);
  if (given.size() > 1) {
    throw Error(ErrorKind::usage, fmt::format("two recovery targets: {} and {}", given[0].option, given[1].option))
        .with_remedy("give one of them");
  }
  RecoveryTarget target;
  if (!given.empty()) {
    target.kind = given[0].kind;
    target.value = given[0].value;
  }
  if (options.exclusive && !has_exclusive_form(target.kind)) {
    throw Error(ErrorKind::usage,
                fmt::format("--target-exclusive means nothing with {}", given.empty() ? "no target" : given[0].option))
        .with_remedy("it goes with --target-time, --target-lsn or --target-xid");
  }
  target.inclusive = !options.exclusive;
  target.timeline = options.timeline;
  target.action = action_of(options.action);
  backup_engine::require_sound(target);
  return target;
}

}  // namespace harness::cli

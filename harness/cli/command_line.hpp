// The command line as values: one options struct a verb, parsed in one place. Parsing touches nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backup_engine/backup.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/expire.hpp"
#include "backup_engine/restore.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal_check.hpp"
#include "harness/cli/config_options.hpp"
#include "harness/extract/extract.hpp"
#include "harness/plan/plan.hpp"
#include "harness/scenario/variables.hpp"

namespace harness::cli {

enum class ProgressMode { automatic, plain, json, none };
enum class OutputFormat { text, json };

// A cluster of lifeboat.yaml for which scenarios are drilled, as it was found there.
struct Filling {
  std::string cluster;
  scenario::Variables variables;
  std::vector<std::string> contacts;  // whom to turn to, a line each
};

struct RunVerb {
  std::vector<std::filesystem::path> scenarios;  // files or directories
  ClusterChoice clusters;
  std::vector<Filling> fillings;  // of those clusters, once complete() has looked
  std::filesystem::path out = "drills";
  unsigned concurrent_drills = 1;
  std::optional<std::uint64_t> seed;
  unsigned seeds = 1;              // so many drills of each scenario: with that seed, and with those that follow it
  std::optional<plan::Keep> keep;  // not said: on failure, but nothing of a cluster that Lifeboat did not make
  std::filesystem::path work_directory;
  std::string run_as;
  std::optional<std::filesystem::path> bin_directory;
  std::string reason;
  ProgressMode progress = ProgressMode::automatic;
};
struct ValidateVerb {
  std::vector<std::filesystem::path> scenarios;
  ClusterChoice clusters;
  std::vector<Filling> fillings;
};
struct PlanVerb {
  RunVerb run;
};
struct JudgeVerb {
  std::filesystem::path drill_directory;
  std::filesystem::path out;  // empty: beside the old report, under judged/
};
struct DoctorVerb {
  std::optional<std::filesystem::path> bin_directory;
  std::string run_as;
  std::filesystem::path out = "drills";
  std::string conninfo;          // of a server whose slots and archiver to look at; empty: none
  std::filesystem::path config;  // --config
};
enum class ReportFormat { html, markdown, junit, json };
struct ReportVerb {
  std::filesystem::path drill_directory;
  ReportFormat format = ReportFormat::html;
};
struct RepoInitVerb {
  backup_engine::RepositoryLocation repository;
};
struct RepoNewKeyVerb {
  std::filesystem::path key_file;
};
struct RepoRekeyVerb {
  backup_engine::RekeyRequest request;
};
struct BackupVerb {
  backup_engine::BackupRequest request;
  std::optional<RunVerb> drill;  // of what was taken, right afterwards; no scenario in it: the one that ships
  ProgressMode progress = ProgressMode::automatic;
};
struct ExpireVerb {
  backup_engine::ExpireRequest request;
  std::string revoke;  // a label; empty: none
};
struct ListVerb {
  backup_engine::RepositoryLocation repository;
  std::optional<std::string> cluster;
  bool operations = false;  // those instead
  OutputFormat format = OutputFormat::text;
};
struct VerifyVerb {
  backup_engine::RepositoryLocation repository;
  std::optional<std::string> cluster, backup_label;
  unsigned jobs = 0;
  bool stored = false;
  OutputFormat format = OutputFormat::text;
};
struct RestoreVerb {
  backup_engine::RestoreRequest request;
  ProgressMode progress = ProgressMode::automatic;
};
enum class SafetyCopyAction { show, roll_back, drop };
struct SafetyCopyVerb {
  SafetyCopyAction action = SafetyCopyAction::show;
  std::filesystem::path to;
};
// What its order lacks here (installation, scratch server, work directory) is found when it is carried out.
struct ExtractVerb {
  backup_engine::RepositoryLocation repository;
  std::string cluster, backup_label;
  backup_engine::RecoveryTarget target;
  extract::Order order;
  std::optional<std::filesystem::path> bin_directory;
  std::filesystem::path work_directory = "/var/tmp";
  std::string run_as;
  unsigned jobs = 1;
  ProgressMode progress = ProgressMode::automatic;
};
struct WalReceiveVerb {
  backup_engine::WalReceiveRequest request;
};
struct WalPushVerb {
  backup_engine::WalPushRequest request;
};
struct WalFetchVerb {
  backup_engine::WalFetchRequest request;
};
struct WalCheckVerb {
  backup_engine::WalCheckRequest request;
  OutputFormat format = OutputFormat::text;
};
struct ShowText {  // --help and --version: text for stdout, exit 0
  std::string text;
};

using Verb =
    std::variant<RunVerb, ValidateVerb, PlanVerb, JudgeVerb, DoctorVerb, ReportVerb, RepoInitVerb, RepoNewKeyVerb,
                 RepoRekeyVerb, BackupVerb, ExpireVerb, ListVerb, VerifyVerb, RestoreVerb, SafetyCopyVerb, ExtractVerb,
                 WalReceiveVerb, WalPushVerb, WalFetchVerb, WalCheckVerb, ShowText>;

struct Command {
  Verb verb;
  std::string reason;            // --reason of a verb that works on a repository
  std::filesystem::path config;  // --config; empty: not given
};

// Throws base::Error(usage) with a remedy for anything that is not a known command. What lifeboat.yaml may say, such as
// --repo, may be missing: complete() (configuration.hpp) sees to it.
[[nodiscard]] Command parse_command(const std::vector<std::string>& arguments);
[[nodiscard]] Verb parse_command_line(const std::vector<std::string>& arguments);  // its verb

// Whether these arguments ask for `wal fetch`, however wrong the rest of them is: its failures follow PostgreSQL's
// restore_command contract, where a usage error must not look like "not there".
[[nodiscard]] bool asks_for_wal_fetch(const std::vector<std::string>& arguments);

}  // namespace harness::cli

#include "harness/cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/cli/backup_options.hpp"
#include "harness/cli/config_options.hpp"
#include "harness/cli/expire_options.hpp"
#include "harness/cli/extract_options.hpp"
#include "harness/cli/recovery_options.hpp"
#include "harness/cli/repository_options.hpp"
#include "harness/cli/repository_verb_options.hpp"
#include "harness/cli/safety_copy_options.hpp"
#include "harness/cli/tablespace_map.hpp"
#include "harness/cli/version.hpp"
#include "harness/cli/wal_options.hpp"
#include "harness/cli/whole_numbers.hpp"

namespace harness::cli {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

// Values that must outlive the parse: each verb's options land here, and its callback moves them out.
struct Parsed {
  std::optional<Verb> verb;
  RunVerb run;
  ValidateVerb validate;
  JudgeVerb judge;
  DoctorVerb doctor;
  ReportVerb report;
  RepositoryOptions repo;
  BackupOptions backup;
  ListVerb list;
  VerifyVerb verify;
  RestoreVerb restore;
  ExistingFilesOptions existing_files;
  SafetyCopyOptions safety_copy;
  ExpireOptions expire;
  ExtractOptions extract;
  WalOptions wal;
  std::vector<std::string> tablespaces;
  RecoveryOptions recovery;
  bool json = false;
  std::string reason;
  std::filesystem::path config;
};

unsigned cores() {
  return std::max(1U, std::thread::hardware_concurrency());
}

const std::map<std::string, ProgressMode> progress_modes{{"auto", ProgressMode::automatic},
                                                         {"plain", ProgressMode::plain},
                                                         {"json", ProgressMode::json},
                                                         {"none", ProgressMode::none}};

template <typename Value, typename Into>
CLI::Option* add_word(CLI::App& app, const std::string& name, Into& into, const std::map<std::string, Value>& words,
                      const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&into, words, name](const std::string& word) {
            const auto found = words.find(word);
            if (found != words.end()) {
              into = found->second;
              return;
            }
            std::string known;
            for (const auto& entry : words) known += (known.empty() ? "" : ", ") + entry.first;
            throw CLI::ValidationError(name, fmt::format("'{}' is not one of: {}", word, known));
          },
          help)
      ->type_name("WORD");
}

void add_progress(CLI::App& app, ProgressMode& mode) {
  add_word(app, "--progress", mode, progress_modes, "auto, plain, json or none");
}

void add_run_options(CLI::App& app, RunVerb& run) {
  app.add_option("SCENARIO", run.scenarios, "scenario files, or directories of them")->required();
  add_cluster_choice(app, run.clusters);
  app.add_option("--out", run.out, "where drill directories go")->capture_default_str();
  app.add_option("--jobs", run.concurrent_drills, "drills at a time")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  app.add_option("--seed", run.seed, "repeat the run that reported this seed");
  app.add_option("--seeds", run.seeds, "drill each scenario so many times, with the seed and with those that follow it")
      ->check(CLI::Range(1U, 1000U));
  add_word<plan::Keep>(
      app, "--keep", run.keep,
      {{"always", plan::Keep::always}, {"on-failure", plan::Keep::on_failure}, {"never", plan::Keep::never}},
      "what to do with server data afterwards: always, on-failure (of own sources) or never (of stored backups)");
  app.add_option("--work-dir", run.work_directory, "where server data lies (the drill directory)");
  app.add_option("--run-as", run.run_as, "user that servers run as, when root (lifeboat, else nobody)");
  app.add_option("--pg-bindir", run.bin_directory, "use the PostgreSQL programs of this directory");
  app.add_option("--reason", run.reason, "why, for the record");
  add_progress(app, run.progress);
}

void add_drill_verbs(CLI::App& app, Parsed& parsed) {
  auto* run = app.add_subcommand("run", "Run drills: scenario files, or directories of them");
  add_run_options(*run, parsed.run);
  run->callback([&parsed] { parsed.verb = parsed.run; });

  auto* validate = app.add_subcommand("validate", "Check scenarios without running anything");
  validate->add_option("SCENARIO", parsed.validate.scenarios, "scenario files or directories")->required();
  add_cluster_choice(*validate, parsed.validate.clusters);
  validate->callback([&parsed] { parsed.verb = parsed.validate; });

  auto* plan = app.add_subcommand("plan", "Print what a run would do");
  add_run_options(*plan, parsed.run);
  plan->callback([&parsed] { parsed.verb = PlanVerb{parsed.run}; });

  auto* judge = app.add_subcommand("judge", "Judge a finished drill again from its evidence");
  judge->add_option("DRILL_DIR", parsed.judge.drill_directory)->required();
  judge->add_option("--out", parsed.judge.out, "where the new report goes (DRILL_DIR/judged)");
  judge->callback([&parsed] { parsed.verb = parsed.judge; });

  auto* report = app.add_subcommand("report", "Print a drill's report in another form");
  report->add_option("DRILL_DIR", parsed.report.drill_directory)->required();
  add_word<ReportFormat>(*report, "--format", parsed.report.format,
                         {{"html", ReportFormat::html},
                          {"markdown", ReportFormat::markdown},
                          {"junit", ReportFormat::junit},
                          {"json", ReportFormat::json}},
                         "html, markdown, junit or json")
      ->required();
  report->callback([&parsed] { parsed.verb = parsed.report; });

  auto* doctor = app.add_subcommand("doctor", "Say what this machine lacks for drills, and how to get it");
  doctor->add_option("--pg-bindir", parsed.doctor.bin_directory, "use the PostgreSQL programs of this directory");
  doctor->add_option("--run-as", parsed.doctor.run_as, "user that servers would run as, when root");
  doctor->add_option("--out", parsed.doctor.out, "where drill directories would go")->capture_default_str();
  doctor->add_option("--dbname", parsed.doctor.conninfo, "also look at this server's slots and archiving");
  doctor->callback([&parsed] {
    if (!parsed.doctor.conninfo.empty()) backup_engine::postgres::refuse_password(parsed.doctor.conninfo);
    parsed.verb = parsed.doctor;
  });
}

void add_backup(CLI::App& app, Parsed& parsed) {
  auto* verb = app.add_subcommand("backup", "Back up a running cluster");
  parsed.backup.verb.request.jobs = cores();
  add_repository(*verb, parsed.backup.verb.request.repository);
  add_backup_options(*verb, parsed.backup);
  add_progress(*verb, parsed.backup.verb.progress);
  verb->callback([&parsed] { parsed.verb = backup_verb(parsed.backup); });
}

void add_restore(CLI::App& app, Parsed& parsed) {
  auto& request = parsed.restore.request;
  request.jobs = cores();
  auto* verb = app.add_subcommand("restore", "Restore a backup into an empty directory, or over its cluster's");
  add_repository(*verb, request.repository);
  verb->add_option("--cluster", request.cluster, "the cluster's name in the repository")->required();
  verb->add_option("--to", request.to, "an absent or empty directory")->required();
  add_existing_files_options(*verb, parsed.existing_files);
  add_recovery_options(*verb, parsed.recovery);
  add_target_action(*verb, parsed.recovery);
  verb->add_option("--database", request.databases, "restore only this database, once for each (all)")
      ->allow_extra_args(false);
  add_word<backup_engine::ArchiveMode>(
      *verb, "--archive-mode", request.archive_mode,
      {{"off", backup_engine::ArchiveMode::off}, {"preserve", backup_engine::ArchiveMode::preserve}},
      "off: the restored server does not archive (the default); preserve: as its source did, once it is promoted");
  verb->add_option("--tablespace-map", parsed.tablespaces, "OLD=NEW, once for each tablespace");
  verb->add_option("--jobs", request.jobs, "writing threads")->check(CLI::Range(1U, 256U))->capture_default_str();
  add_progress(*verb, parsed.restore.progress);
  verb->callback([&parsed] {
    parsed.restore.request.backup_label = parsed.recovery.backup_label;
    parsed.restore.request.target = recovery_target(parsed.recovery);
    apply(parsed.existing_files, parsed.restore.request);
    for (const auto& pair : parsed.tablespaces) {
      const auto map = parse_tablespace_map(pair);
      if (parsed.restore.request.tablespace_map.insert(map).second) continue;
      throw Error(ErrorKind::usage, fmt::format("--tablespace-map says twice where {} goes", map.first.string()))
          .with_remedy("give one place for each tablespace");
    }
    parsed.verb = parsed.restore;
  });
}

void add_extract(CLI::App& app, Parsed& parsed) {
  auto* verb = app.add_subcommand("extract", "Put tables, a schema or rows as of a target into a running database");
  parsed.extract.verb.jobs = cores();
  add_repository(*verb, parsed.extract.verb.repository);
  add_extract_options(*verb, parsed.extract);
  add_progress(*verb, parsed.extract.verb.progress);
  verb->callback([&parsed] { parsed.verb = extract_verb(parsed.extract); });
}

void add_repository_verbs(CLI::App& app, Parsed& parsed) {
  add_repo_verbs(app, parsed.repo, parsed.verb);

  auto* list = app.add_subcommand("list", "List clusters, backups and WAL");
  add_repository(*list, parsed.list.repository);
  list->add_option("--cluster", parsed.list.cluster, "only this cluster");
  list->add_flag("--json", parsed.json, "as JSON");
  list->add_flag("--operations", parsed.list.operations, "what was done, by whom and why, as JSON lines");
  list->callback([&parsed] {
    if (parsed.json) parsed.list.format = OutputFormat::json;
    parsed.verb = parsed.list;
  });

  parsed.verify.jobs = cores();
  auto* verify = app.add_subcommand("verify", "Read everything that a restore would read, and say what is damaged");
  add_repository(*verify, parsed.verify.repository);
  verify->add_option("--cluster", parsed.verify.cluster, "only this cluster");
  verify->add_option("--backup", parsed.verify.backup_label, "only this backup");
  verify->add_flag(
      "--stored", parsed.verify.stored,
      "unpack no block: packs are judged by the hash of their stored bytes, which is several times faster");
  verify->add_option("--jobs", parsed.verify.jobs, "reading threads")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  verify->add_flag("--json", parsed.json, "as JSON");
  verify->callback([&parsed] {
    if (parsed.json) parsed.verify.format = OutputFormat::json;
    parsed.verb = parsed.verify;
  });
}

// To every verb that works on a repository.
void add_reason(CLI::App& app, std::string& reason) {
  for (auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    add_reason(*verb, reason);
    if (verb->get_option_no_throw("--repo") == nullptr || verb->get_option_no_throw("--reason") != nullptr) continue;
    verb->add_option("--reason", reason, "why, for the operations log");
  }
}

// An empty value is an empty variable of somebody's script, and none of these means anything: taken for "not given" it
// would ask for another backup, another server or every cluster. A reason may be empty.
void refuse_empty_values(CLI::App& app) {
  for (auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(*verb);
  for (auto* option : app.get_options()) {
    if (option->get_expected_max() == 0 || option->check_lname("reason")) continue;
    option->check([](const std::string& value) { return value.empty() ? std::string("its value is empty") : ""; });
  }
}

}  // namespace

Command parse_command(const std::vector<std::string>& arguments) {
  CLI::App app("Lifeboat proves that a PostgreSQL database can be recovered.", "lifeboat");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text());
  Parsed parsed;
  add_drill_verbs(app, parsed);
  add_repository_verbs(app, parsed);
  add_backup(app, parsed);
  add_restore(app, parsed);
  add_safety_copy_verbs(app, parsed.safety_copy, parsed.reason, parsed.verb);
  add_extract(app, parsed);
  add_expire(app, parsed.expire, parsed.verb);
  add_wal_verbs(app, parsed.wal, parsed.verb);
  add_reason(app, parsed.reason);
  add_config(app, parsed.config, "doctor");
  refuse_empty_values(app);
  require_whole_numbers(app);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    std::ostringstream text, ignored;
    app.exit(asked, text, ignored);
    return {ShowText{text.str()}, {}, {}};
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::usage, error.what())
        .with_remedy("lifeboat --help lists the verbs, lifeboat VERB --help a verb's options");
  }
  if (auto* const backup = std::get_if<BackupVerb>(&*parsed.verb); backup != nullptr && backup->drill) {
    backup->drill->reason = parsed.reason;
  }
  return {*parsed.verb, parsed.reason, parsed.config};
}

Verb parse_command_line(const std::vector<std::string>& arguments) {
  return parse_command(arguments).verb;
}

bool asks_for_wal_fetch(const std::vector<std::string>& arguments) {
  return arguments.size() >= 2 && arguments[0] == "wal" && arguments[1] == "fetch";
}

}  // namespace harness::cli

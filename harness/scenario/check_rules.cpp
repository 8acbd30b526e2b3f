#include <fmt/format.h>

#include "harness/scenario/described_target.hpp"
#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

struct Undescribed {
  std::string where, remedy;  // "no mark says what the check X must find {where}"
};

// Why no mark describes the target, and what would.
Undescribed undescribed(const Steps& steps, const RestoreTarget& target) {
  if (target.kind == TargetKind::end_of_wal) {
    return {"at the end of WAL", "add \"- mark: NAME\" between the last backup and the disaster"};
  }
  if (target.kind == TargetKind::immediate) {
    return {"at the backup's own point",
            "put \"- mark: NAME\" directly before the last backup, with no load running (keep_running) from the mark "
            "to the backup's end"};
  }
  if (target.kind == TargetKind::lsn && target.inclusive) {
    return {"at an inclusive LSN, which also replays the record that starts there", "add \"inclusive: false\""};
  }
  if (target.kind == TargetKind::xid && !target.inclusive && target.point != disaster_point) {
    return {"before a transaction that comes before every mark that describes it", "remove \"inclusive: false\""};
  }
  const auto& step = steps[step_of_point(steps, target)];
  if (is<DisasterStep>(step)) {
    return {"before the disaster",
            "put \"- mark: NAME\" before the disaster and behind a backup, with no load in between, none kept running "
            "either"};
  }
  return {fmt::format("at the restore point \"{}\"", target.point),
          "put \"- mark: NAME\" next to the restore point and behind a backup, with no load in between, none kept "
          "running either"};
}

void require_described_target(const Reader& reader, const Scenario& scenario, CheckKind check, Position position) {
  if (mark_describing_target(scenario)) return;
  const auto reason = undescribed(scenario.timeline, scenario.restore.target);
  reader.fail(position, fmt::format("no mark says what the check {} must find {}", to_string(check), reason.where),
              reason.remedy + ", or leave the check out");
}

void require_loaded(const Reader& reader, const Steps& steps, Position position) {
  if (first_of<LoadStep>(steps) != nowhere) return;
  reader.fail(position, "the check ledger has nothing to judge: the timeline has no load",
              "add \"- load: { for: 1s }\" to the timeline, or leave the check out");
}

bool restores_into_source(const Restore& restore) {
  return restore.kind == RestoreKind::partial && restore.partial.database.empty();
}

void require_restored_directory(const Reader& reader, const Restore& restore, CheckKind check, Position position) {
  if (!restores_into_source(restore)) return;
  reader.fail(position,
              fmt::format("the check {} reads a restored directory, and a partial restore of tables has none: it goes "
                          "into the server that lives on",
                          to_string(check)),
              "leave the check out");
}

void require_page_checksums(const Reader& reader, const Provision& provision, Position position) {
  if (provision.checksums) return;
  reader.fail(position,
              "the check page_checksums has nothing to judge: the source is provisioned with \"checksums: false\"",
              "remove \"checksums: false\", or leave the check out");
}

void require_living_server(const Reader& reader, const Restore& restore, CheckKind check, Position position) {
  if (restores_into_source(restore)) return;
  reader.fail(position,
              fmt::format("the check {} compares the living server before and after tables are put into it, and this "
                          "restore makes a server of its own",
                          to_string(check)),
              "leave the check out");
}

void require_restored_settings(const Reader& reader, const Restore& restore, Position position) {
  if (!restore.partial.database.empty()) {
    reader.fail(position,
                "the check settings would find ignore_invalid_pages on, without which one database alone could not be "
                "recovered",
                "leave the check out; docs/restore-database.md says when to turn it off again");
  }
  if (!restores_into_source(restore)) return;
  reader.fail(
      position,
      "the check settings compares a restored server with its source, and a partial restore of tables goes into "
      "the source itself",
      "leave the check out");
}

// The files of the other databases are left hollow, so there is no manifest that they could keep to.
void require_whole_directory(const Reader& reader, const Restore& restore, CheckKind check, Position position) {
  if (restore.partial.database.empty()) return;
  reader.fail(position,
              fmt::format("the check {} needs every file of the backup, and only those of the database {} are restored",
                          to_string(check), restore.partial.database),
              "leave the check out; page_checksums reads the files that are there");
}

// The ledger and the queries of an SQL file belong to the load's database.
void require_load_database(const Reader& reader, const Restore& restore, const Databases& databases, CheckKind check,
                           Position position) {
  const auto& restored = restore.partial.database;
  if (restored.empty() || databases.load.empty() || restored == databases.load) return;
  reader.fail(position,
              fmt::format("the check {} reads the database {}, and only {} is restored", to_string(check),
                          databases.load, restored),
              fmt::format("leave the check out, or restore {}", databases.load));
}

}  // namespace

void require_judgeable_checks(const Reader& reader, const Scenario& scenario, const Places& places,
                              const Databases& databases) {
  for (std::size_t i = 0; i < scenario.verify.size(); ++i) {
    const auto check = scenario.verify[i].kind;
    const auto position = places.checks[i];
    switch (check) {
      case CheckKind::ledger:
        require_loaded(reader, scenario.timeline, position);
        require_load_database(reader, scenario.restore, databases, check, position);
        break;
      case CheckKind::sql:
        require_load_database(reader, scenario.restore, databases, check, position);
        break;
      case CheckKind::settings:
        require_restored_settings(reader, scenario.restore, position);
        require_described_target(reader, scenario, check, position);
        break;
      case CheckKind::content:
      case CheckKind::catalog:
        require_described_target(reader, scenario, check, position);
        break;
      case CheckKind::verifybackup:
        require_whole_directory(reader, scenario.restore, check, position);
        require_restored_directory(reader, scenario.restore, check, position);
        break;
      case CheckKind::page_checksums:
        require_restored_directory(reader, scenario.restore, check, position);
        require_page_checksums(reader, scenario.source.provision, position);
        break;
      case CheckKind::untouched:
        require_living_server(reader, scenario.restore, check, position);
        break;
      case CheckKind::amcheck:
      case CheckKind::constraints:
      case CheckKind::sequences:
        break;
    }
  }
}

}  // namespace harness::scenario

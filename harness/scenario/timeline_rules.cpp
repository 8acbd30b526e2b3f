#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/suggestion.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

void require_backup_before_disaster(const Reader& reader, const Steps& steps) {
  const auto disaster = first_harm(steps);
  const auto backup = first_of<BackupStep>(steps);
  if (backup == nowhere || backup > disaster) {
    reader.fail(steps[disaster].position, "no backup is taken before the disaster, so nothing can be restored",
                "add \"- backup: full\" before it");
  }
}

// PostgreSQL stops at the first restore point of a name, and each mark makes one.
void require_distinct_points(const Reader& reader, const Steps& steps) {
  struct Taken {
    int line;
    bool mark;
  };
  std::map<std::string, Taken> seen;
  for (const auto& step : steps) {
    const auto* const mark = std::get_if<MarkStep>(&step.what);
    const auto* const point = std::get_if<RestorePointStep>(&step.what);
    if (mark == nullptr && point == nullptr) continue;
    const auto& name = mark != nullptr ? mark->name : point->name;
    const auto [first, added] = seen.emplace(name, Taken{step.position.line, mark != nullptr});
    if (added || (mark == nullptr && !first->second.mark)) continue;
    reader.fail(step.position,
                fmt::format("the {} \"{}\" was already taken in line {}", first->second.mark ? "mark" : "restore point",
                            name, first->second.line),
                "give each mark a name of its own");
  }
}

void require_droppable_database(const Reader& reader, const Steps& steps, std::size_t at, const Databases& databases) {
  const auto& disaster = std::get<DisasterStep>(steps[at].what);
  if (std::find(databases.names.begin(), databases.names.end(), disaster.argument) == databases.names.end()) {
    reader.fail(
        steps[at].position, fmt::format("the dataset has no database \"{}\" to drop", disaster.argument),
        suggestion(disaster.argument, std::vector<std::string_view>(databases.names.begin(), databases.names.end())));
  }
  if (disaster.argument != databases.load) return;
  const auto failover = next_failover(steps, at);
  if (failover != nowhere) {
    reader.fail(
        steps[at].position,
        fmt::format("the database {} cannot be dropped: after the failover in line {} the load's writers connect "
                    "to it again",
                    disaster.argument, steps[failover].position.line),
        "put the failover before it, or drop another database");
  }
  const bool loaded = load_runs_behind(steps, at) || first_of<LoadStep>(steps, at) != nowhere;
  if (loaded || first_of<MarkStep>(steps, at) != nowhere) {
    reader.fail(steps[at].position,
                fmt::format("the database {} cannot be dropped: {} it", disaster.argument,
                            loaded ? "the load goes on in" : "a mark is taken later in"),
                "end the load before the disaster and let no load or mark follow, or drop another database");
  }
}

struct Denial {
  std::string_view disaster, setting, value, reason;  // no value: whatever it is set to
};

constexpr std::array<Denial, 7> denials{
    Denial{"fail_over", "synchronous_commit", "local",
           "a commit must wait for the standby, or the failover loses what was acknowledged"},
    Denial{"fill_disk", "max_wal_size", "", "the small disk that is filled sets it"},
    Denial{"fill_disk", "min_wal_size", "", "the disk that is filled is a small one"},
    Denial{"fill_disk", "wal_keep_size", "", "the disk that is filled is a small one"},
    Denial{"fill_disk", "lc_messages", "", "that the disk was full is read in the server's log"},
    Denial{"fill_disk", "log_line_prefix", "", "when the disk was full is read in the server's log"},
    Denial{"fill_disk", "log_timezone", "", "when the disk was full is read in the server's log"},
};

void require_settings_for_disasters(const Reader& reader, const Scenario& scenario) {
  for (const auto& step : scenario.timeline) {
    const auto* const disaster = std::get_if<DisasterStep>(&step.what);
    if (disaster == nullptr) continue;
    for (const auto& [kind, name, value, reason] : denials) {
      const auto set = scenario.source.provision.settings.find(std::string(name));
      if (kind != disaster->kind || set == scenario.source.provision.settings.end()) continue;
      if (!value.empty() && set->second != value) continue;
      reader.fail(step.position,
                  fmt::format("{} cannot go with the setting {}: {}: {}", kind, name, set->second, reason),
                  "remove the setting");
    }
  }
}

// The witness and, when WAL is streamed, the receiver have a slot and a sender each; a standby wants a slot, and
// pg_basebackup, while it copies, two senders.
void require_room_for_standby(const Reader& reader, const Scenario& scenario) {
  const auto failover = next_failover(scenario.timeline);
  if (failover == nowhere) return;
  const unsigned others = scenario.source.wal.by == WalTransport::stream ? 2 : 1;
  const auto* const who = others == 2 ? "the witness, the WAL receiver" : "the witness";
  for (const auto& [name, wanted] : {std::pair("max_replication_slots", others + 1), {"max_wal_senders", others + 2}}) {
    const auto set = scenario.source.provision.settings.find(name);
    if (set == scenario.source.provision.settings.end()) continue;
    unsigned given = 0;
    const auto& text = set->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), given);
    if (error != std::errc() || given >= wanted) continue;  // what is no number PostgreSQL refuses
    reader.fail(scenario.timeline[failover].position,
                fmt::format("fail_over cannot go with the setting {}: {}: {} and the standby that is made want {}",
                            name, set->second, who, wanted),
                fmt::format("set it to {} at least, or remove it", wanted));
  }
}

}  // namespace

void require_sound_timeline(const Reader& reader, const Scenario& scenario, const Places& places,
                            const Databases& databases) {
  const auto& steps = scenario.timeline;
  require_sound_disasters(reader, scenario, places.timeline);
  require_backup_before_disaster(reader, steps);
  require_distinct_points(reader, steps);
  require_settings_for_disasters(reader, scenario);
  require_room_for_standby(reader, scenario);
  for (std::size_t i = 0; i < steps.size() && !databases.names.empty(); ++i) {
    const auto* const disaster = std::get_if<DisasterStep>(&steps[i].what);
    if (disaster != nullptr && disaster->kind == "drop_database") {
      require_droppable_database(reader, steps, i, databases);
    }
  }
}

}  // namespace harness::scenario

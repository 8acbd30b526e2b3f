#include <fmt/format.h>

#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/safety_copy.hpp"
#include "harness/cli/verbs.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
using backup_engine::InItsPlace;
using backup_engine::SafetyCopy;
using backup_engine::SafetyCopyState;

namespace {

std::string what_is_in_its_place(const SafetyCopy& copy) {
  switch (copy.in_its_place) {
    case InItsPlace::nothing:
      return "nothing yet";
    case InItsPlace::unfinished_restore:
      return fmt::format("a restore of {} that has not ended", copy.backup_label);
    case InItsPlace::cluster:
      return fmt::format("a cluster, restored from {}", copy.backup_label);
  }
  return "?";
}

std::string what_to_do(const SafetyCopy& copy) {
  const auto to = copy.data_directory.string();
  const auto back = fmt::format("lifeboat safety-copy roll-back --to {}", to);
  const auto drop = fmt::format("lifeboat safety-copy drop --to {}", to);
  if (copy.state == SafetyCopyState::dropping) return fmt::format("it is being removed; end that with: {}\n", drop);
  if (copy.state != SafetyCopyState::set_aside) {
    return fmt::format("it was cut off while {}; the old cluster comes back with: {}\n", to_string(copy.state), back);
  }
  if (copy.in_its_place != InItsPlace::cluster) {
    return fmt::format("put it back with: {}\nor let the same `lifeboat restore --in-place` go on\n", back);
  }
  return fmt::format("put it back with: {}\nremove it with: {}\n", back, drop);
}

ExitCode show(const SafetyCopyVerb& verb) {
  const auto copy = backup_engine::find_safety_copy(verb.to);
  fmt::print("safety copy of {}: {}\n", copy.data_directory.string(), copy.folder.string());
  for (const auto& tablespace : copy.tablespaces) fmt::print("  with the tablespace {}\n", tablespace.string());
  fmt::print("taken {} before a restore from {}, {} in all\n", base::to_rfc3339(copy.taken_at), copy.repository.text,
             base::bytes_text(size_bytes(copy)));
  fmt::print("it keeps cluster {}, system identifier {}, as it was on timeline {}\n", copy.cluster,
             copy.system_identifier, copy.timeline.number());
  fmt::print("in its place: {}\n{}", what_is_in_its_place(copy), what_to_do(copy));
  return ExitCode::pass;
}

}  // namespace

ExitCode execute(const SafetyCopyVerb& verb) {
  if (verb.action == SafetyCopyAction::show) return show(verb);
  const auto copy = backup_engine::find_safety_copy(verb.to);
  const auto bytes = base::bytes_text(size_bytes(copy));
  if (verb.action == SafetyCopyAction::roll_back) {
    backup_engine::roll_back_safety_copy(verb.to);
    fmt::print("{} is again what it was at {}: {} put back, what had been restored there is removed\n",
               copy.data_directory.string(), base::to_rfc3339(copy.taken_at), bytes);
  } else {
    backup_engine::drop_safety_copy(verb.to);
    fmt::print("{} is removed: {}; {} stays as it is\n", copy.folder.string(), bytes, copy.data_directory.string());
  }
  return ExitCode::pass;
}

}  // namespace harness::cli

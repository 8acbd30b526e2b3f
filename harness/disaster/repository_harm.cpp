#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/strikes.hpp"
#include "harness/faults/change_file.hpp"
#include "harness/faults/lose_file.hpp"

namespace harness::disaster {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

Struck done(const scenario::DisasterStep& step, std::string detail) {
  using namespace backup_engine::base;
  return {{step.kind, to_rfc3339(utc_now()), std::move(detail)}, "", ""};
}

Error not_told(const scenario::DisasterStep& step) {
  return {ErrorKind::internal, fmt::format("the disaster {} was not told what it strikes", step.kind)};
}

template <typename Harm>
Struck harm_segment(const scenario::DisasterStep& step, const Victim& victim, const char* done_to, const Harm& harm) {
  if (!victim.around.segment_files) throw not_told(step);
  const auto files = victim.around.segment_files(step.argument);
  if (files.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("the repository holds no WAL of {}", step.argument));
  }
  std::vector<std::string> names;
  for (const auto& file : files) {
    harm(file);
    names.push_back(file.filename().string());
  }
  return done(step, fmt::format("{} in the repository, the WAL that holds \"{}\": {}", done_to, step.argument,
                                fmt::join(names, ", ")));
}

Struck with_archiving(const scenario::DisasterStep& step, const std::function<void()>& change, const char* detail) {
  if (!change) throw not_told(step);
  change();
  return done(step, detail);
}

}  // namespace

Struck lose_segment(const scenario::DisasterStep& step, const Victim& victim) {
  return harm_segment(step, victim, "removed", faults::lose_file);
}

Struck damage_segment(const scenario::DisasterStep& step, const Victim& victim) {
  return harm_segment(step, victim, "a byte changed", faults::change_file);
}

Struck lose_key(const scenario::DisasterStep& step, const Victim& victim) {
  if (victim.around.key_file.empty()) throw not_told(step);
  faults::lose_file(victim.around.key_file);
  return done(step, fmt::format("the repository's key file {} removed", victim.around.key_file.filename().string()));
}

Struck interrupt_backup(const scenario::DisasterStep& step, const Victim& victim) {
  if (!victim.around.interrupt_backup) throw not_told(step);
  const auto label = victim.around.interrupt_backup(step.argument);
  return done(step, fmt::format("a {} backup killed (SIGKILL) in mid-copy; what it leaves stays in the repository: {}",
                                step.argument, label));
}

Struck break_archiving(const scenario::DisasterStep& step, const Victim& victim) {
  return with_archiving(step, victim.around.break_archiving, "WAL no longer leaves the source");
}

Struck mend_archiving(const scenario::DisasterStep& step, const Victim& victim) {
  return with_archiving(step, victim.around.mend_archiving, "WAL leaves the source again");
}

}  // namespace harness::disaster

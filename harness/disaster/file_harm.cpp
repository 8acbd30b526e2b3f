#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/strikes.hpp"
#include "harness/faults/damage_page.hpp"
#include "harness/faults/encrypt_files.hpp"
#include "harness/faults/lose_file.hpp"
#include "harness/faults/lose_server.hpp"
#include "harness/faults/relation_file.hpp"

namespace harness::disaster {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

void require_no_argument(const scenario::DisasterStep& step) {
  if (step.argument.empty()) return;
  throw Error(ErrorKind::usage, fmt::format("the disaster {} takes no argument: '{}'", step.kind, step.argument));
}

// SIGKILL, the witness, then what `harm` does to the files; it returns what to say of it.
template <typename Harm>
Struck strike_files(const scenario::DisasterStep& step, const Victim& victim, const Harm& harm) {
  const auto pid = victim.server.pid();
  faults::kill_server(victim.server);
  const auto struck_at = backup_engine::base::utc_now();
  if (victim.before_loss) victim.before_loss();
  return {{step.kind, backup_engine::base::to_rfc3339(struck_at),
           fmt::format("postmaster {} and all its processes killed (SIGKILL), {}", pid, harm())},
          "",
          ""};
}

faults::RelationFile file_of(const scenario::DisasterStep& step, const Victim& victim) {
  if (victim.database.empty()) {
    throw Error(ErrorKind::internal, fmt::format("the disaster {} was given no database to strike in", step.kind));
  }
  auto connection = victim.server.connect(victim.database);
  return faults::find_relation_file(connection, step.argument);
}

}  // namespace

Struck kill_server(const scenario::DisasterStep& step, const Victim& victim) {
  require_no_argument(step);
  return strike_files(step, victim, [] { return std::string("its data directory stays as it is"); });
}

Struck lose_server(const scenario::DisasterStep& step, const Victim& victim) {
  require_no_argument(step);
  const auto directory = victim.data_directory.value().path().filename().string();
  return strike_files(step, victim, [&] {
    faults::lose_data_directory(victim.data_directory.value());
    return fmt::format("its data directory {} removed", directory);
  });
}

Struck lose_file(const scenario::DisasterStep& step, const Victim& victim) {
  const auto file = file_of(step, victim);
  return strike_files(step, victim, [&] {
    faults::lose_file(victim.data_directory.value().path() / file.path);
    return fmt::format("the file {} of {} removed", file.path.string(), file.table);
  });
}

Struck truncate_file(const scenario::DisasterStep& step, const Victim& victim) {
  const auto file = file_of(step, victim);
  return strike_files(step, victim, [&] {
    const auto path = victim.data_directory.value().path() / file.path;
    const auto before = fs::file_size(path), after = faults::truncate_file(path);
    return fmt::format("the file {} of {} cut from {} to {} bytes", file.path.string(), file.table, before, after);
  });
}

Struck corrupt_page(const scenario::DisasterStep& step, const Victim& victim) {
  const auto file = file_of(step, victim);
  const auto checksum = step.checksum_recomputed ? faults::Checksum::recomputed : faults::Checksum::stale;
  return strike_files(step, victim, [&] {
    const auto path = victim.data_directory.value().path() / file.path;
    // Whichever it is: while load ran, the row that was found there may have moved.
    const auto byte = faults::last_byte_of_first_tuple(path, file.block);
    faults::flip_bit(path, file.block, byte, checksum);
    return fmt::format("a bit flipped in byte {} of page {} of {} ({}), {}", byte, file.block, file.table,
                       file.path.string(),
                       step.checksum_recomputed ? "and the page's checksum made to match" : "its checksum left");
  });
}

Struck encrypt_files(const scenario::DisasterStep& step, const Victim& victim) {
  if (step.newest_backups > 0 && !victim.around.newest_backups) {
    throw Error(ErrorKind::internal, "encrypt_files was not told where the backups lie");
  }
  return strike_files(step, victim, [&] {
    const auto source = faults::encrypt_files(victim.data_directory.value());
    auto detail = fmt::format("{} files of its data directory encrypted", source.files);
    std::vector<std::string> backups;
    if (step.newest_backups > 0) {
      for (const auto& directory : victim.around.newest_backups(step.newest_backups)) {
        if (faults::encrypt_files(directory).files > 0) backups.push_back(directory.path().filename().string());
      }
      if (backups.empty()) throw Error(ErrorKind::usage, "the repository has no backup to encrypt");
      detail += fmt::format("; and in the repository the newest backups: {}", fmt::join(backups, ", "));
    }
    return detail;
  });
}

}  // namespace harness::disaster

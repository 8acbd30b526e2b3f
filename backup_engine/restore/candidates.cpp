#include "backup_engine/restore/candidates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;

namespace {

bool has_position(TargetKind kind) {
  return kind != TargetKind::end_of_wal && kind != TargetKind::immediate;
}

struct PassedOver {
  std::vector<std::string> notes;
  bool any_readable = false, any_damaged = false;  // neither: all were written by a newer Lifeboat
};

// One manifest that cannot be read must not keep the others from being restored.
std::optional<BackupSummary> read_summary(store::Storage& storage, const std::string& cluster, const std::string& label,
                                          PassedOver& passed_over) {
  try {
    return store::read_manifest(storage, cluster, label).summary;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    passed_over.any_damaged |= error.kind() == ErrorKind::corrupt;
    passed_over.notes.push_back(fmt::format("backup {} was passed over: {}", label, error.what()));
    return std::nullopt;
  }
}

std::string off_the_path(const BackupSummary& backup, const wal::TimelinePath& path) {
  return fmt::format("backup {} of timeline {} ends at {}, which is not on the way to timeline {}", backup.label,
                     backup.timeline.number(), to_string(backup.stop_lsn), path.back().timeline.number());
}

Error no_way(const RestoreRequest& request, const PassedOver& passed_over) {
  const auto all = fmt::format("{}", fmt::join(passed_over.notes, "; "));
  if (!passed_over.any_readable) {
    const auto kind = passed_over.any_damaged ? ErrorKind::corrupt : ErrorKind::unsupported;
    return Error(kind, fmt::format("no backup of {} can be read: {}", request.cluster, all))
        .with_remedy(passed_over.any_damaged ? "`lifeboat verify` says what is damaged."
                                             : "Use the version of Lifeboat that wrote it, or a newer one.");
  }
  return Error(ErrorKind::not_found,
               fmt::format("no backup of {} leads to timeline {}: {}", request.cluster, request.target.timeline, all))
      .with_remedy("Choose another timeline (--target-timeline current stays on the backup's own).");
}

Candidates the_one_asked_for(store::Storage& storage, const wal::WalArchive& archive, const RestoreRequest& request) {
  const auto summary = store::read_manifest(storage, request.cluster, request.backup_label).summary;
  auto path = path_to(archive, wanted_timeline(archive, request.target.timeline, summary.timeline));
  if (!lies_on(path, summary.timeline, summary.stop_lsn)) {
    throw Error(ErrorKind::usage, off_the_path(summary, path))
        .with_remedy("Choose another backup, or --target-timeline current to stay on this one's timeline.");
  }
  return {std::move(path), {summary}, {}};
}

}  // namespace

base::UtcTime end_time(const BackupSummary& backup) {
  return backup.stopped_at ? *backup.stopped_at : backup.finished_at;
}

Candidates find_candidates(store::Storage& storage, const wal::WalArchive& archive, const RestoreRequest& request) {
  if (!request.backup_label.empty()) return the_one_asked_for(storage, archive, request);
  const auto labels = store::list_backup_labels(storage, request.cluster);
  if (labels.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("the repository holds no backup of {}", request.cluster))
        .with_remedy("`lifeboat list` shows what it holds.");
  }
  // What "latest" and "current" mean depends on the backup; the newest one that can follow its meaning decides.
  Candidates found;
  PassedOver passed_over;
  auto& notes = passed_over.notes;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    const auto summary = read_summary(storage, request.cluster, *label, passed_over);
    if (!summary) continue;
    passed_over.any_readable = true;
    const auto goal = wanted_timeline(archive, request.target.timeline, summary->timeline);
    if (!found.backups.empty() && goal != found.path.back().timeline) continue;
    auto path = path_to(archive, goal);
    if (!lies_on(path, summary->timeline, summary->stop_lsn)) {
      notes.push_back(off_the_path(*summary, path));
      continue;
    }
    if (found.backups.empty()) {
      found.path = std::move(path);
      found.notes = notes;
    }
    found.backups.push_back(*summary);
    if (!has_position(request.target.kind)) break;
  }
  if (found.backups.empty()) throw no_way(request, passed_over);
  std::ranges::sort(found.backups, {}, &BackupSummary::start_lsn);
  return found;
}

}  // namespace backup_engine::restore

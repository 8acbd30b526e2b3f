#include "backup_engine/restore/candidates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using base::Refusal;

namespace {

bool has_position(TargetKind kind) {
  return kind != TargetKind::end_of_wal && kind != TargetKind::immediate;
}

// One manifest that cannot be read must not keep the others from being restored. Where its backup stopped nobody knows:
// those with a label past `label` are told of, the newest first.
std::vector<std::string> passed_over(const store::ReadSummaries& held, const std::string& label) {
  std::vector<std::string> notes;
  for (auto each = held.unreadable.rbegin(); each != held.unreadable.rend(); ++each) {
    if (each->label > label)
      notes.push_back(fmt::format("backup {} was passed over: {}", each->label, each->error.what()));
  }
  return notes;
}

std::string off_the_path(const BackupSummary& backup, const wal::TimelinePath& path) {
  return fmt::format("backup {} of timeline {} ends at {}, which is not on the way to timeline {}", backup.label,
                     backup.timeline.number(), to_string(backup.stop_lsn), path.back().timeline.number());
}

Refusal no_way(const RestoreRequest& request, const store::ReadSummaries& held, const std::vector<std::string>& notes) {
  const auto all = fmt::format("{}", fmt::join(notes, "; "));
  if (held.backups.empty()) {
    // Not damaged: all were written by a newer Lifeboat.
    const bool damaged =
        std::ranges::any_of(held.unreadable, [](const auto& each) { return each.error.kind() == ErrorKind::corrupt; });
    return {damaged ? refusal::backup_damaged : refusal::no_backup,
            Error(damaged ? ErrorKind::corrupt : ErrorKind::unsupported,
                  fmt::format("no backup of {} can be read: {}", request.cluster, all))
                .with_remedy(damaged ? "`lifeboat verify` says what is damaged."
                                     : "Use the version of Lifeboat that wrote it, or a newer one.")};
  }
  return {refusal::no_backup,
          Error(ErrorKind::not_found,
                fmt::format("no backup of {} leads to timeline {}: {}", request.cluster, request.target.timeline, all))
              .with_remedy("Choose another timeline (--target-timeline current stays on the backup's own).")};
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
  const auto held = store::read_summaries(storage, request.cluster);
  if (held.backups.empty() && held.unreadable.empty()) {
    throw Refusal(refusal::no_backup,
                  Error(ErrorKind::not_found, fmt::format("the repository holds no backup of {}", request.cluster))
                      .with_remedy("`lifeboat list` shows what it holds."));
  }
  // What "latest" and "current" mean depends on the backup; the newest one that can follow its meaning decides.
  Candidates found;
  std::vector<std::string> notes;
  for (auto summary = held.backups.rbegin(); summary != held.backups.rend(); ++summary) {
    const auto goal = wanted_timeline(archive, request.target.timeline, summary->timeline);
    if (!found.backups.empty() && goal != found.path.back().timeline) continue;
    auto path = path_to(archive, goal);
    if (!lies_on(path, summary->timeline, summary->stop_lsn)) {
      notes.push_back(off_the_path(*summary, path));
      continue;
    }
    if (found.backups.empty()) {
      found.path = std::move(path);
      found.notes = passed_over(held, summary->label);
      found.notes.insert(found.notes.end(), notes.begin(), notes.end());
    }
    found.backups.push_back(*summary);
    if (request.target.kind == TargetKind::immediate) break;
    if (request.target.kind == TargetKind::end_of_wal && summary->damaged_pages == 0) break;
  }
  if (found.backups.empty()) {
    auto why = passed_over(held, {});
    why.insert(why.end(), notes.begin(), notes.end());
    throw no_way(request, held, why);
  }
  std::ranges::reverse(found.backups);
  if (has_position(request.target.kind)) std::ranges::sort(found.backups, {}, &BackupSummary::start_lsn);
  return found;
}

}  // namespace backup_engine::restore

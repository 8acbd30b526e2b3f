#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "backup_engine/operations/log.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/state_digest.hpp"
#include "backup_engine/verify.hpp"
#include "backup_engine/verify/backup_check.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/verify/reach_check.hpp"
#include "backup_engine/verify/recorded_backups.hpp"
#include "backup_engine/verify/wal_check.hpp"
#include "backup_engine/wal/wal_gap.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace verify {
namespace {

// Names below `prefix` up to the next '/': every cluster or backup that anything lies in, with its documents or not.
std::set<std::string> folders_below(const std::vector<store::ListedObject>& objects, const std::string& prefix) {
  std::set<std::string> folders;
  for (const auto& object : objects) {
    if (!object.name.starts_with(prefix)) continue;
    const auto below = std::string_view(object.name).substr(prefix.size());
    if (const auto slash = below.find('/'); slash != std::string_view::npos) folders.emplace(below.substr(0, slash));
  }
  return folders;
}

std::optional<store::ClusterIdentity> check_cluster_document(store::Storage& storage, const std::string& cluster,
                                                             Findings& findings) {
  std::optional<store::ClusterIdentity> identity;
  const auto name = store::cluster_document(cluster);
  findings.examine(name, [&] {
    findings.count_object(storage.size(name).value_or(0));
    identity = store::read_cluster(storage, cluster);
  });
  return identity;
}

void check_operations(store::Storage& storage, const std::string& cluster, Findings& findings) {
  for (const auto& entry : operations::read(storage, cluster).tampered) findings.add_damage(entry.object, entry.text);
}

bool is_needed_by(const store::WalObject& object, const BackupCheck& backup) {
  if (!backup.manifest || object.parsed.kind == store::WalObjectKind::history) return false;
  const auto& summary = backup.manifest->summary;
  const auto size = backup.manifest->wal_segment_size;
  const auto start = postgres::start_of(object.parsed.segment, size);
  return object.parsed.segment.timeline == summary.timeline && start < summary.stop_lsn &&
         summary.start_lsn < start + size.bytes();
}

// Which segment size WAL names are read with when cluster.json cannot say: any backup knows.
postgres::SegmentSize segment_size(const std::optional<store::ClusterIdentity>& identity,
                                   const std::vector<BackupCheck>& backups) {
  if (identity) return identity->wal_segment_size;
  for (const auto& backup : backups) {
    if (backup.manifest) return backup.manifest->wal_segment_size;
  }
  return {};
}

class ClusterVerification {
 public:
  ClusterVerification(store::Storage& storage, std::string cluster, const VerifyRequest& request, Findings& findings)
      : storage_(storage), cluster_(std::move(cluster)), request_(request), findings_(findings) {}

  void run(VerifyResult& result) {
    const RecordedBackups recorded(storage_, cluster_, findings_);
    objects_ = storage_.list(store::cluster_prefix(cluster_));
    const auto identity = check_cluster_document(storage_, cluster_, findings_);
    check_backups(identity);
    const auto size = segment_size(identity, backups_);
    const auto ranges = check_wal(
        storage_, cluster_, size, identity, [&](const store::WalObject& object) { return wants(object); },
        request_.jobs, findings_);
    let_go_what_expired();
    ReachCheck reach(storage_, cluster_, size, ranges, findings_);
    if (!request_.backup_label) reach.read_timelines();
    for (const auto& backup : backups_) result.backups.push_back(judge(backup, ranges, reach));
    add_spans(reach, result.backups);
    if (!request_.backup_label) {
      reach.check_newest(readable_backups());
      check_intents();
      find_lost_backups(recorded);
      find_debris(size, result.debris);
      add_wal_ends(ranges, result.wal_ends);
    }
    say_what_was_left_out(result.not_looked_at);
  }

 private:
  void check_backups(const std::optional<store::ClusterIdentity>& identity) {
    auto labels = store::list_backup_labels(storage_, cluster_);
    if (request_.backup_label) {
      std::erase_if(labels, [&](const auto& label) { return label != *request_.backup_label; });
      if (labels.empty()) {
        throw Error(ErrorKind::not_found,
                    fmt::format("cluster '{}' has no backup '{}'", cluster_, *request_.backup_label))
            .with_remedy("see what there is with: lifeboat list --repo LOCATION");
      }
    }
    for (const auto& label : labels) {
      backups_.push_back(check_backup(storage_, cluster_, label, identity, request_.jobs, shared_, findings_));
    }
  }

  // Backups may expire while they are read: what is then missing of them is nobody's loss.
  void let_go_what_expired() {
    const auto first = std::stable_partition(backups_.begin(), backups_.end(), [&](const BackupCheck& backup) {
      return storage_.size(store::manifest_name(cluster_, backup.label)).has_value();
    });
    expired_.assign(std::make_move_iterator(first), std::make_move_iterator(backups_.end()));
    backups_.erase(first, backups_.end());
    if (request_.backup_label && backups_.empty()) {
      throw Error(ErrorKind::not_found,
                  fmt::format("backup {} of cluster '{}' expired while it was read", *request_.backup_label, cluster_));
    }
    std::set<const std::string*> needed;
    for (const auto& backup : backups_) needed.insert(backup.objects.begin(), backup.objects.end());
    for (const auto& backup : expired_) {
      for (const auto* const object : backup.objects) {
        if (!needed.contains(object)) findings_.forget(*object);
      }
    }
  }

  [[nodiscard]] std::vector<BackupSummary> readable_backups() const {
    std::vector<BackupSummary> summaries;
    summaries.reserve(backups_.size());
    for (const auto& backup : backups_) {
      if (backup.manifest) summaries.push_back(backup.manifest->summary);
    }
    std::ranges::sort(summaries, {}, &BackupSummary::start_lsn);
    return summaries;
  }

  // Where a manifest cannot be read, nobody knows which operation took that backup; and an expire that is at work is
  // not recorded yet.
  void find_lost_backups(const RecordedBackups& recorded) {
    const auto readable = readable_backups();
    if (readable.size() == backups_.size() && expired_.empty()) {
      lost_ = recorded.check(readable, folders_below(objects_, store::backups_prefix(cluster_)));
    }
  }

  // One that cannot be read keeps expire from its work. It may go meanwhile: its backup has ended.
  void check_intents() {
    for (const auto& object : objects_) {
      const auto label = store::parse_intent_name(cluster_, object.name);
      if (!label) continue;
      findings_.examine(object.name, [&] {
        if (store::find_intent(storage_, cluster_, *label)) findings_.count_object(object.size_bytes);
      });
    }
  }

  [[nodiscard]] BackupVerdict judge(const BackupCheck& backup, const std::vector<ClusterSummary::WalRange>& ranges,
                                    ReachCheck& reach) {
    auto reason = unreadable_document();
    if (reason.empty()) reason = backup.damage;
    OwnWal own;
    if (backup.manifest) {
      own.wrong = check_wal_of_backup(*backup.manifest, ranges, findings_);
      if (own.wrong.empty()) own = reach.walk(*backup.manifest);
      if (reason.empty()) reason = own.wrong;
    }
    BackupVerdict verdict{cluster_, backup.label, reason.empty(), reason, {}, std::move(own.copied_databases)};
    if (backup.manifest) verdict.damaged_pages = backup.manifest->damaged_pages;
    return verdict;
  }

  // A restore opens these two first, and goes no further when one cannot be read.
  [[nodiscard]] std::string unreadable_document() const {
    for (const auto& name : {store::repository_document(), store::cluster_document(cluster_)}) {
      if (const auto text = findings_.damage_of(name); !text.empty()) return fmt::format("{}: {}", name, text);
    }
    return {};
  }

  // Of those that can be restored; `verdicts` ends with this cluster's.
  void add_spans(ReachCheck& reach, std::vector<BackupVerdict>& verdicts) const {
    const auto first = verdicts.size() - backups_.size();
    std::vector<std::pair<BackupSummary, std::size_t>> sound;
    for (std::size_t i = 0; i < backups_.size(); ++i) {
      if (verdicts[first + i].restorable) sound.emplace_back(backups_[i].manifest->summary, first + i);
    }
    std::ranges::sort(sound, {}, [](const auto& each) { return each.first.start_lsn; });
    std::vector<BackupSummary> summaries;
    summaries.reserve(sound.size());
    for (const auto& [summary, verdict] : sound) summaries.push_back(summary);
    const auto spans = reach.spans(summaries, request_.jobs);
    for (std::size_t i = 0; i < sound.size(); ++i) verdicts[sound[i].second].spans = spans[i];
  }

  void add_wal_ends(const std::vector<ClusterSummary::WalRange>& ranges, std::vector<WalEnd>& ends) const {
    std::map<postgres::TimelineId, postgres::Lsn> furthest;
    for (const auto& range : ranges) {
      auto& end = furthest.try_emplace(range.timeline, range.end).first->second;
      end = std::max(end, range.end);
    }
    for (const auto& [timeline, end] : furthest) ends.push_back({cluster_, timeline, end});
  }

  void say_what_was_left_out(std::vector<std::string>& not_looked_at) const {
    if (!request_.backup_label) return;
    auto others = store::list_backup_labels(storage_, cluster_);
    std::erase(others, *request_.backup_label);
    if (!others.empty()) {
      not_looked_at.push_back(fmt::format("the other backups of {}: {}", cluster_, fmt::join(others, ", ")));
    }
    not_looked_at.push_back(fmt::format(
        "WAL of {} that {} does not need to become consistent, and timelines that branch off: no point behind "
        "that is claimed",
        cluster_, *request_.backup_label));
  }

  [[nodiscard]] bool wants(const store::WalObject& object) const {
    return !request_.backup_label || is_needed_by(object, backups_.front());
  }

  void find_debris(postgres::SegmentSize size, std::vector<std::string>& debris) const {
    for (const auto& object : objects_) {
      const bool is_known = object.name == store::cluster_document(cluster_) || shared_.objects.contains(object.name);
      if (!is_known && !store::parse_wal_object(cluster_, object.name, size) &&
          !wal::parse_gap_object(cluster_, object.name) && !store::parse_intent_name(cluster_, object.name) &&
          !store::parse_operation_name(cluster_, object.name) && !belongs_to_unreadable_backup(object.name)) {
        debris.push_back(object.name);
      }
    }
    for (auto& name : storage_.list_debris(store::cluster_prefix(cluster_))) debris.push_back(std::move(name));
  }

  // With its manifest damaged or gone nobody knows what belongs to a backup: that is no debris.
  [[nodiscard]] bool belongs_to_unreadable_backup(const std::string& name) const {
    for (const auto& label : lost_) {
      if (name.starts_with(store::backup_prefix(cluster_, label))) return true;
    }
    for (const auto& backup : expired_) {
      if (name.starts_with(store::backup_prefix(cluster_, backup.label))) return true;
    }
    for (const auto& backup : backups_) {
      if (!backup.manifest && name.starts_with(store::backup_prefix(cluster_, backup.label))) return true;
    }
    return false;
  }

  store::Storage& storage_;
  std::string cluster_;
  const VerifyRequest& request_;
  Findings& findings_;
  std::vector<store::ListedObject> objects_;
  SharedChecks shared_{request_.unpack, {}, {}, {}, {}};
  std::vector<BackupCheck> backups_;
  std::set<std::string> lost_;        // labels whose manifest is gone
  std::vector<BackupCheck> expired_;  // since they were listed
};

// Checks repository.json and the keys, and opens what is encrypted. False when nothing else can be read: what is to
// blame for that is a finding then, and all that can be said. Of a newer format nothing at all is known: that is
// thrown.
bool unlock(store::Storage& storage, const RepositoryLocation& location, Findings& findings,
            std::vector<std::string>& debris) {
  std::optional<store::RepositoryIdentity> identity;
  std::optional<Error> too_new;
  findings.examine(store::repository_document(), [&] {
    findings.count_object(storage.size(store::repository_document()).value_or(0));
    try {
      identity = store::check_repository(storage);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unsupported) throw;
      too_new = error;
    }
  });
  if (too_new) throw *too_new;
  if (!identity) return location.key_file.empty();
  if (identity->cipher == store::Cipher::none) {
    store::require_no_key_file(storage, location);
    return true;
  }
  auto objects = store::list_wrapped_keys(storage);
  const auto newest = objects.empty() ? store::wrapped_keys_name(1) : objects.back();
  findings.count_object(storage.size(newest).value_or(0));
  try {
    store::open_repository_keys(storage, *identity, location);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    findings.add_damage(newest, text_about(newest, error));
    return false;
  }
  if (!objects.empty()) debris.assign(objects.begin(), objects.end() - 1);  // of a rekey that was interrupted
  return true;
}

// A cluster whose first document never came to be is none yet; what was to be put there lies in none.
bool lies_in_any(const std::set<std::string>& clusters, const std::string& name) {
  return std::ranges::any_of(clusters,
                             [&](const auto& cluster) { return name.starts_with(store::cluster_prefix(cluster)); });
}

// A folder whose name no cluster can have is somebody else's.
void set_aside_no_clusters(std::set<std::string>& folders, const std::vector<store::ListedObject>& objects,
                           std::vector<std::string>& debris) {
  std::erase_if(folders, [&](const std::string& folder) {
    if (store::is_cluster_name(folder)) return false;
    for (const auto& object : objects) {
      if (object.name.starts_with(store::cluster_prefix(folder))) debris.push_back(object.name);
    }
    return true;
  });
}

std::uint64_t bytes_to_read(const std::vector<store::ListedObject>& objects) {
  std::uint64_t bytes = 0;
  for (const auto& object : objects) bytes += object.size_bytes;
  return bytes;
}

}  // namespace
}  // namespace verify

VerifyResult verify_repository(const VerifyRequest& request, base::Progress& progress, const std::stop_token& stop) {
  const auto storage = store::open_storage(request.repository);
  const auto objects = storage->list("");
  verify::Findings findings(progress, stop);
  progress.begin("verify", verify::bytes_to_read(objects));
  VerifyResult found;
  found.state_digest = store::state_digest(*storage);
  if (!verify::unlock(*storage, request.repository, findings, found.debris)) {
    auto result = findings.take();
    result.state_digest = found.state_digest;
    return result;
  }
  auto clusters = verify::folders_below(objects, store::clusters_prefix());
  verify::set_aside_no_clusters(clusters, objects, found.debris);
  if (request.cluster && !clusters.contains(*request.cluster)) {
    throw Error(ErrorKind::not_found, fmt::format("{} holds no cluster '{}'", storage->location(), *request.cluster))
        .with_remedy("see what it holds with: lifeboat list --repo LOCATION");
  }
  if (!request.cluster) verify::check_operations(*storage, "", findings);
  if (!request.unpack)
    found.not_looked_at.emplace_back("what is in the packs: that their bytes are those stored is all");
  for (const auto& cluster : clusters) {
    if (request.cluster && cluster != *request.cluster) {
      found.not_looked_at.push_back(fmt::format("the cluster {}", cluster));
      continue;
    }
    verify::check_operations(*storage, cluster, findings);
    verify::ClusterVerification(*storage, cluster, request, findings).run(found);
  }
  for (auto& name : storage->list_debris("")) {
    if (!verify::lies_in_any(clusters, name)) found.debris.push_back(std::move(name));
  }
  progress.end();
  auto result = findings.take();
  result.backups = std::move(found.backups);
  result.not_looked_at = std::move(found.not_looked_at);
  result.debris = std::move(found.debris);
  result.state_digest = std::move(found.state_digest);
  result.wal_ends = std::move(found.wal_ends);
  return result;
}

}  // namespace backup_engine

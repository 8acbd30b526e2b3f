#include "backup_engine/retention/needs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::retention {

namespace {

using store::WalObjectKind;

// The label of the backup whose folder `name` lies in, when it is an object of a backup.
std::string label_of(const std::string& cluster, const std::string& name) {
  const auto prefix = store::backups_prefix(cluster);
  if (!name.starts_with(prefix)) return {};
  const auto slash = name.find('/', prefix.size());
  if (slash == std::string::npos) return {};
  auto label = name.substr(prefix.size(), slash - prefix.size());
  if (!store::parse_backup_label(label)) return {};
  for (const auto& known : {store::manifest_name(cluster, label), store::file_table_name(cluster, label),
                            store::block_root_name(cluster, label), store::block_index_name(cluster, label),
                            store::block_hashes_name(cluster, label)}) {
    if (name == known) return label;
  }
  constexpr std::size_t digits = 8;
  const auto dot = name.rfind('.');
  std::uint32_t number = 0;
  if (dot == std::string::npos || dot < digits) return {};
  std::from_chars(name.data() + dot - digits, name.data() + dot, number, 16);
  return name == store::pack_name(cluster, label, number) ? label : std::string();
}

class SortingObjects {
 public:
  SortingObjects(const View& view, const std::vector<std::string>& expired, const std::string& window_base)
      : view_(view), expired_(expired.begin(), expired.end()), held_(held_labels(view)) {
    for (const auto& [label, manifest] : view_.manifests) {
      if (!expired_.contains(label)) stays_.push_back(&manifest);
    }
    const auto base = view_.manifests.find(window_base);
    if (base != view_.manifests.end() && !expired_.contains(window_base)) base_ = &base->second;
    find_needed();
  }

  Sorting run() {
    for (const auto& object : view_.objects) sort_backup_object(object);
    // A manifest before all that it names.
    std::stable_partition(sorting_.going.begin(), sorting_.going.end(),
                          [](const auto& object) { return object.name.ends_with("/manifest.json"); });
    if (base_ != nullptr) sort_wal();
    for (const auto& name : view_.old_puts) sorting_.going.push_back({name, 0, "left by a put that was interrupted"});
    return std::move(sorting_);
  }

 private:
  void need(const std::string& name, const std::string& by) { needed_.emplace(name, "needed by " + by); }

  void find_needed() {
    const auto& cluster = view_.cluster;
    for (const auto* const manifest : stays_) {
      const auto& label = manifest->summary.label;
      need(store::manifest_name(cluster, label), label);
      need(store::file_table_name(cluster, label), label);
      need(store::block_root_name(cluster, label), label);
      for (const auto& pack : store::used_packs(*manifest))
        need(store::pack_name(cluster, pack.backup_label, pack.number), label);
      for (const auto& other : manifest->index_backups) {
        need(store::block_index_name(cluster, other), label);
        need(store::block_hashes_name(cluster, other), label);
      }
    }
  }

  void sort_backup_object(const store::ListedObject& object) {
    const auto label = label_of(view_.cluster, object.name);
    if (label.empty()) return;
    const auto manifest = view_.manifests.find(label);
    const bool stays = manifest != view_.manifests.end() && !expired_.contains(label);
    const auto needed = needed_.find(object.name);
    const auto held = held_.find(label);
    if (needed != needed_.end() || held != held_.end()) {
      const auto& reason = needed != needed_.end() ? needed->second : "held: " + held->second;
      if (!stays) sorting_.staying.push_back({object.name, object.size_bytes, reason});
      return;
    }
    const auto* const reason = expired_.contains(label)            ? "its backup expired"
                               : manifest == view_.manifests.end() ? "no backup names it"
                                                                   : "its own backup does not name it";
    sorting_.going.push_back({object.name, object.size_bytes, reason});
  }

  void sort_wal() {
    std::vector<store::WalObject> wal;
    for (const auto& object : view_.objects) {
      const auto parsed = store::parse_wal_object(view_.cluster, object.name, view_.segment_size);
      if (parsed && parsed->kind != WalObjectKind::history && !is_needed(parsed->segment)) {
        wal.push_back({object.name, object.size_bytes, *parsed});
      }
    }
    // The oldest first, so that an interruption leaves no gap behind what stays.
    std::sort(wal.begin(), wal.end(), [](const auto& a, const auto& b) {
      return std::tie(a.parsed.segment, a.name) < std::tie(b.parsed.segment, b.name);
    });
    for (auto& object : wal) {
      sorting_.going.push_back(
          {std::move(object.name), object.size_bytes, "WAL that no backup kept and no window needs"});
    }
  }

  [[nodiscard]] bool is_needed(const postgres::WalSegment& segment) const {
    const auto first = [&](postgres::Lsn lsn) {
      return postgres::segment_holding(segment.timeline, lsn, view_.segment_size).number;
    };
    for (const auto& intent : view_.intents) {
      if (segment.timeline >= intent.timeline && segment.number >= first(intent.start_lsn)) return true;
    }
    return std::ranges::any_of(stays_, [&](const store::Manifest* manifest) {
      const auto& summary = manifest->summary;
      if (segment.number < first(summary.start_lsn)) return false;
      if (segment.timeline == summary.timeline &&
          segment.number <=
              postgres::segment_ending_at(segment.timeline, summary.stop_lsn, view_.segment_size).number) {
        return true;
      }
      return stop_of(*manifest) >= stop_of(*base_) && leads_to(summary, segment.timeline);
    });
  }

  // Whether recovery can go from the backup to the timeline. One whose history is not known may be anything.
  [[nodiscard]] bool leads_to(const BackupSummary& summary, postgres::TimelineId timeline) const {
    if (timeline == summary.timeline) return true;
    const auto path = view_.paths.find(timeline);
    return path == view_.paths.end() || wal::lies_on(path->second, summary.timeline, summary.stop_lsn);
  }

  const View& view_;
  const std::set<std::string> expired_;
  const std::map<std::string, std::string> held_;
  std::vector<const store::Manifest*> stays_;
  const store::Manifest* base_ = nullptr;
  std::map<std::string, std::string> needed_;
  Sorting sorting_;
};

}  // namespace

base::UtcTime stop_of(const store::Manifest& manifest) {
  return manifest.summary.stopped_at.value_or(manifest.summary.finished_at);
}

void settle_times(std::map<std::string, store::Manifest>& manifests, base::UtcTime now) {
  std::vector<store::Manifest*> newest_first;
  for (auto& [label, manifest] : manifests) newest_first.push_back(&manifest);
  std::ranges::sort(newest_first, [](const auto* a, const auto* b) { return store::is_older(b->summary, a->summary); });
  std::optional<base::UtcTime> newer;
  for (auto* const manifest : newest_first) {
    if (stop_of(*manifest) <= now) {
      newer = stop_of(*manifest);
    } else if (newer) {
      manifest->summary.stopped_at = newer;
    }
  }
}

std::map<std::string, std::string> held_labels(const View& view) {
  std::map<std::string, std::string> held;
  for (const auto& intent : view.intents) {
    held.emplace(intent.label, store::to_string(intent));
    for (const auto& label : intent.chain) held.emplace(label, store::to_string(intent));
  }
  return held;
}

bool is_point_in_time(const View& view, const std::string& label, const std::string& window_base) {
  const auto base = view.manifests.find(window_base);
  return base != view.manifests.end() && !view.unrestorable.contains(label) &&
         stop_of(view.manifests.at(label)) >= stop_of(base->second);
}

Sorting sort_objects(const View& view, const std::vector<std::string>& expired, const std::string& window_base) {
  return SortingObjects(view, expired, window_base).run();
}

}  // namespace backup_engine::retention

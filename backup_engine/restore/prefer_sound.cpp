#include "backup_engine/restore/prefer_sound.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/damaged_page.hpp"
#include "backup_engine/restore/hollow_databases.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;

namespace {

std::vector<DamagedPage> restored_damage(store::Storage& storage, const RestoreRequest& request,
                                         const BackupSummary& backup) {
  if (backup.damaged_pages == 0 && request.databases.empty()) return {};
  const auto manifest = store::read_manifest(storage, request.cluster, backup.label);
  const HollowDatabases hollow(manifest, request.databases);
  auto pages = manifest.damaged_pages;
  std::erase_if(pages, [&](const DamagedPage& page) { return hollow.empties(page.file); });
  return pages;
}

std::set<std::pair<std::string, std::uint32_t>> wanted_databases(const store::Manifest& manifest,
                                                                 const RestoreRequest& request) {
  std::set<std::pair<std::string, std::uint32_t>> wanted;
  for (const auto& database : manifest.databases) {
    if (std::ranges::count(request.databases, database.name) != 0) wanted.emplace(database.name, database.oid);
  }
  return wanted;
}

// One that cannot be restored as it was asked for, because it does not hold the database, say, is none to choose; nor
// is one in which another database had the name, for what has it at the point would come back empty.
bool is_sound(store::Storage& storage, const RestoreRequest& request, const BackupSummary& backup,
              const BackupSummary& newest) {
  if (!backup.data_checksums) return false;  // nobody knows
  try {
    if (!restored_damage(storage, request, backup).empty()) return false;
    return request.databases.empty() ||
           wanted_databases(store::read_manifest(storage, request.cluster, backup.label), request) ==
               wanted_databases(store::read_manifest(storage, request.cluster, newest.label), request);
  } catch (const Error& error) {
    const auto kind = error.kind();
    if (kind != ErrorKind::corrupt && kind != ErrorKind::unsupported && kind != ErrorKind::not_found) throw;
    return false;
  }
}

// Paths on the source.
std::set<std::string> places_of_tablespaces(store::Storage& storage, const RestoreRequest& request,
                                            const BackupSummary& backup) {
  std::set<std::string> places;
  const auto manifest = store::read_manifest(storage, request.cluster, backup.label);
  for (const auto& tablespace : manifest.tablespaces) {
    if (!manifest.dropped_tablespaces.contains(tablespace.oid)) places.insert(tablespace.path);
  }
  return places;
}

// Of a tablespace that was dropped between the two; empty: there is none. Whoever mapped those of the newest cannot
// know of it.
std::string place_not_mapped(store::Storage& storage, const RestoreRequest& request, const BackupSummary& backup,
                             const BackupSummary& newest) {
  if (!request.other_tablespaces.empty()) return {};
  const auto known = places_of_tablespaces(storage, request, newest);
  for (const auto& place : places_of_tablespaces(storage, request, backup)) {
    if (!known.contains(place) && !request.tablespace_map.contains(place)) return place;
  }
  return {};
}

// Why one that leads to the same point is not taken all the same.
struct NotTaken {
  BackupSummary backup;
  std::string place;  // of a tablespace that is not mapped; empty: recovery from it creates tablespaces
};

std::string passed_over(const BackupSummary& newer, const std::vector<DamagedPage>& pages, const BackupSummary& taken) {
  const auto more = newer.start_lsn > taken.start_lsn ? newer.start_lsn - taken.start_lsn : 0;
  return fmt::format(
      "damaged pages: backup {} was passed over, for it holds {} as its source had them. {} has none, leads to the "
      "same point and was taken, with {} more WAL to replay. To begin from {} all the same: --backup {}",
      newer.label, text_of(pages), taken.label, base::bytes_text(more), newer.label, newer.label);
}

std::string instead_of(const RestoreRequest& request, const std::optional<NotTaken>& not_taken) {
  if (!request.backup_label.empty()) {
    return "Without --backup a restore takes one that has none, where one leads to the same point.";
  }
  if (request.target.kind == TargetKind::immediate) {
    return "No other backup leads to its own consistent point: choose one that has none with --backup (`lifeboat list` "
           "tells them apart), or a point behind it.";
  }
  if (not_taken && not_taken->place.empty()) {
    return fmt::format(
        "{} has none and leads to the same point, but recovery from it creates tablespaces where the source had them: "
        "--backup {} takes it.",
        not_taken->backup.label, not_taken->backup.label);
  }
  if (not_taken) {
    return fmt::format(
        "{} has none and leads to the same point, but holds a tablespace at {} that was dropped since, and nothing "
        "says where to put it: with --tablespace-map for it that backup is taken.",
        not_taken->backup.label, not_taken->place);
  }
  return "No older backup that is known to be without damaged pages leads to the same point.";
}

std::string kept(const BackupSummary& backup, const std::vector<DamagedPage>& pages, const std::string& instead) {
  return fmt::format(
      "damaged pages: backup {} holds {} as its source had them. {} These pages are restored as they are, and unless "
      "WAL writes them anew, what reads one ends with the error \"invalid page\". In their database SELECT "
      "pg_filenode_relation(0, NUMBER) says whose file it is (of a tablespace its OID, not 0): REINDEX makes an index "
      "anew; what a table lost there has to come from another backup",
      backup.label, text_of(pages), instead);
}

}  // namespace

Preference prefer_sound(store::Storage& storage, const RestoreRequest& request,
                        const std::vector<BackupSummary>& backups, std::size_t chosen,
                        const std::function<Way(std::size_t)>& way_from) {
  Preference preference{chosen, {}, {}};
  const auto& newest = backups[chosen];
  if (newest.damaged_pages == 0) return preference;
  const auto pages = restored_damage(storage, request, newest);
  if (pages.empty()) return preference;
  std::optional<NotTaken> not_taken;
  std::vector<std::string> labels{newest.label};
  for (auto i = chosen; i-- > 0;) {
    if (!is_sound(storage, request, backups[i], newest)) {
      if (backups[i].damaged_pages > 0) labels.push_back(backups[i].label);
      continue;
    }
    const auto way = way_from(i);
    if (way == Way::ends_behind) continue;
    if (way == Way::same_point) {
      const auto place = place_not_mapped(storage, request, backups[i], newest);
      if (place.empty()) return {i, std::move(labels), {passed_over(newest, pages, backups[i])}};
      not_taken = {backups[i], place};
    }
    if (way == Way::new_tablespaces) not_taken = {backups[i], {}};
    break;  // what keeps this one from it keeps all older ones
  }
  preference.notes = {kept(newest, pages, instead_of(request, not_taken))};
  return preference;
}

}  // namespace backup_engine::restore

#include "backup_engine/restore/prefer_sound.hpp"

#include <fmt/format.h>

#include <optional>

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

// One that cannot be restored as it was asked for, because it does not hold the database, say, is none to choose.
bool is_sound(store::Storage& storage, const RestoreRequest& request, const BackupSummary& backup) {
  try {
    return restored_damage(storage, request, backup).empty();
  } catch (const Error& error) {
    const auto kind = error.kind();
    if (kind != ErrorKind::corrupt && kind != ErrorKind::unsupported && kind != ErrorKind::not_found) throw;
    return false;
  }
}

std::string passed_over(const BackupSummary& newer, const std::vector<DamagedPage>& pages, const BackupSummary& taken) {
  return fmt::format(
      "damaged pages: backup {} was passed over, for it holds {} as its source had them. {} has none, leads to the "
      "same point and was taken, with {} more WAL to replay. To begin from {} all the same: --backup {}",
      newer.label, text_of(pages), taken.label, base::bytes_text(newer.start_lsn - taken.start_lsn), newer.label,
      newer.label);
}

std::string instead_of(const RestoreRequest& request, const std::optional<BackupSummary>& with_tablespaces) {
  if (!request.backup_label.empty()) {
    return "Without --backup a restore takes one that has none, where one leads to the same point.";
  }
  if (request.target.kind == TargetKind::immediate) {
    return "No other backup leads to its own consistent point: choose one that has none with --backup (`lifeboat list` "
           "tells them apart), or a point behind it.";
  }
  if (with_tablespaces) {
    return fmt::format(
        "{} has none and leads to the same point, but recovery from it creates tablespaces where the source had them: "
        "--backup {} takes it.",
        with_tablespaces->label, with_tablespaces->label);
  }
  return "No older backup without damaged pages leads to the same point.";
}

std::string kept(const BackupSummary& backup, const std::vector<DamagedPage>& pages, const std::string& instead) {
  return fmt::format(
      "damaged pages: backup {} holds {} as its source had them. {} They are restored as they are, and unless WAL "
      "writes them anew, what reads one ends with the error \"invalid page\". In their database SELECT "
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
  std::optional<BackupSummary> with_tablespaces;
  std::vector<std::string> labels{newest.label};
  for (auto i = chosen; i-- > 0;) {
    if (!is_sound(storage, request, backups[i])) {
      if (backups[i].damaged_pages > 0) labels.push_back(backups[i].label);
      continue;
    }
    const auto way = way_from(i);
    if (way == Way::same_point) return {i, std::move(labels), {passed_over(newest, pages, backups[i])}};
    if (way == Way::new_tablespaces) with_tablespaces = backups[i];
    break;  // what keeps this one from it keeps all older ones
  }
  preference.notes = {kept(newest, pages, instead_of(request, with_tablespaces))};
  return preference;
}

}  // namespace backup_engine::restore

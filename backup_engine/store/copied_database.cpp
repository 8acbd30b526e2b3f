#include "backup_engine/store/copied_database.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine {

namespace {

std::string text_of(const std::string& name, std::uint32_t oid) {
  return name.empty() ? fmt::format("with OID {}", oid) : fmt::format("\"{}\" (OID {})", name, oid);
}

}  // namespace

std::string warning_of(const CopiedDatabase& copied) {
  return store::what_recovery_does(copied) +
         ", and PostgreSQL does not say so. Take another backup; where this one is restored, check that database with "
         "pg_amcheck --heapallindexed";
}

namespace store {

std::string what_recovery_does(const CopiedDatabase& copied) {
  const auto copy = text_of(copied.name, copied.oid);
  const auto at = postgres::to_string(copied.record);
  const auto what = copied.oid == copied.from_oid
                        ? fmt::format(
                              "the database {} was moved while the backup was taken, by copying its files (SET "
                              "TABLESPACE, WAL {})",
                              copy, at)
                        : fmt::format(
                              "the database {} was made while the backup was taken, by copying the files of the "
                              "database {} (STRATEGY file_copy, WAL {})",
                              copy, text_of(copied.from_name, copied.from_oid), at);
  return what + (copied.source_went
                     ? ". Recovery copies them anew, from what the backup holds of them, which may be a part, or "
                       "nothing: they were removed before it stopped"
                     : ". Recovery copies them anew: what was changed or dropped there before the backup stopped shows "
                       "in the copy too, and may damage it");
}

void give_names(std::vector<CopiedDatabase>& copied, const std::vector<Database>& databases) {
  const auto name_of = [&](std::uint32_t oid) {
    const auto found = std::ranges::find(databases, oid, &Database::oid);
    return found == databases.end() ? std::string() : found->name;
  };
  for (auto& each : copied) {
    each.name = name_of(each.oid);
    each.from_name = name_of(each.from_oid);
  }
}

}  // namespace store

std::map<std::string, CopiedDatabases> list_copied_databases(const RepositoryLocation& location,
                                                             const std::string& cluster) {
  const auto storage = store::open_repository(location);
  std::map<std::string, CopiedDatabases> all;
  for (const auto& label : store::list_backup_labels(*storage, cluster)) {
    try {
      all.emplace(label, store::read_manifest(*storage, cluster, label).copied_databases);
    } catch (const base::Error& error) {
      using enum base::ErrorKind;
      const auto kind = error.kind();
      if (kind != corrupt && kind != unsupported && kind != not_found) throw;
    }
  }
  return all;
}

}  // namespace backup_engine

#include "backup_engine/wal/gather_facts.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;

namespace {

template <typename Read>
void read_or_tell(RepositoryFacts& facts, const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    facts.unreadable.emplace_back(error.what());
  }
}

// A backup is published when its WAL is held, so the WAL is looked at later.
void read_backups(store::Storage& storage, const std::string& cluster, RepositoryFacts& facts) {
  auto read = store::read_summaries(storage, cluster);
  facts.backups = std::move(read.backups);
  for (const auto& each : read.unreadable) facts.unreadable.emplace_back(each.error.what());
}

// WAL expires after the backups that needed it.
void let_go_what_expired(store::Storage& storage, const std::string& cluster, RepositoryFacts& facts) {
  std::erase_if(facts.backups, [&](const BackupSummary& backup) {
    return !storage.size(store::manifest_name(cluster, backup.label));
  });
}

void read_gaps(const WalArchive& archive, RepositoryFacts& facts) {
  for (const auto& gap : archive.gaps()) {
    std::string text;  // that it is there tells more than what it says
    read_or_tell(facts, [&] { text = archive.read_gap(gap); });
    facts.gaps.emplace_back(gap, text);
  }
}

// A timeline's history is put before its WAL.
void read_histories(store::Storage& storage, const std::string& cluster, const WalArchive& archive,
                    RepositoryFacts& facts) {
  for (const auto& object : store::list_wal(storage, cluster, archive.segment_size())) {
    if (object.parsed.kind != store::WalObjectKind::history) continue;
    const auto timeline = object.parsed.segment.timeline;
    read_or_tell(facts, [&] {
      if (const auto text = archive.read_history(timeline)) facts.histories[timeline] = postgres::parse_history(*text);
    });
  }
}

}  // namespace

RepositoryFacts gather_facts(store::Storage& storage, const std::string& cluster, const WalArchive& archive) {
  RepositoryFacts facts;
  read_backups(storage, cluster, facts);
  facts.ranges = archive.ranges();
  let_go_what_expired(storage, cluster, facts);
  read_gaps(archive, facts);
  read_histories(storage, cluster, archive, facts);
  return facts;
}

}  // namespace backup_engine::wal

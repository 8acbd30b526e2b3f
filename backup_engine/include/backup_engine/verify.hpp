// Reading everything a restore would read: every block of every pack, every index and manifest, every WAL segment.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "backup_engine/copied_database.hpp"
#include "backup_engine/damaged_page.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

struct VerifyRequest {
  RepositoryLocation repository;
  std::optional<std::string> cluster;
  std::optional<std::string> backup_label;
  unsigned jobs = 1;
  bool unpack = true;  // each block; false: packs only by the hash of their stored bytes, of which no bit can change
};

struct RepositoryDamage {
  std::string object;  // path inside the repository
  std::string text;    // what is wrong with it
};

// The points that recovery from a backup can reach on the way to one timeline.
struct RecoverySpan {
  postgres::TimelineId timeline;
  postgres::Lsn earliest, latest;  // any position between, both included
  base::UtcTime earliest_time;     // when the backup had stopped
  // Of the last commit or rollback up to `latest`; none when no transaction ended since the backup stopped. A time
  // before it can be a target.
  std::optional<base::UtcTime> latest_time;
  bool ends_in_minimal = false;  // at `latest` begins WAL of wal_level = minimal, which PostgreSQL does not recover
};

struct BackupVerdict {
  std::string cluster, label;
  bool restorable = false;          // every block sound, and whole records of WAL from its start to its stop
  std::string reason;               // empty when restorable
  std::vector<RecoverySpan> spans;  // by timeline; as far as sound WAL goes
  std::vector<CopiedDatabase> copied_databases{};  // while it was taken: no damage that is known, a warning
  std::vector<DamagedPage> damaged_pages{};        // on its source already; the repository holds what it was given
};

// Up to where sound WAL of a timeline is held. It only ever moves on: one that was further before was put back.
struct WalEnd {
  std::string cluster;
  postgres::TimelineId timeline;
  postgres::Lsn end;
};

struct VerifyResult {
  std::uint64_t objects = 0, bytes = 0, blocks = 0, wal_segments = 0;
  std::vector<RepositoryDamage> damage;
  std::vector<BackupVerdict> backups;
  // What the request left out, a phrase each: "the other clusters: crm". Nothing is claimed of it.
  std::vector<std::string> not_looked_at;
  // Harmless: objects of backups that were never published and puts that were interrupted (or still go on).
  std::vector<std::string> debris;
  // Of the whole repository, to be kept elsewhere: 64 hexadecimal digits (docs/encryption.md, "Rollback").
  std::string state_digest;
  std::vector<WalEnd> wal_ends;  // what the digest does not cover, of every timeline; none with backup_label
};

// What is found is data; throws only when it could not be carried out (no repository, no permission, interrupted).
[[nodiscard]] VerifyResult verify_repository(const VerifyRequest& request, base::Progress& progress,
                                             const std::stop_token& stop = {});

}  // namespace backup_engine

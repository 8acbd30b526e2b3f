// Records of WAL, as far as a restore needs them: where one begins and ends, which transaction it ends and when, which
// restore point it is, which tablespace it makes, which database it copies. Layouts: PostgreSQL 15 to 18,
// src/include/access/xlogrecord.h (a record's header and the fragments behind it), xact.h (ends of transactions),
// xlog_internal.h (restore points), src/include/commands/tablespace.h and dbcommands_xlog.h. Defined for people in
// docs/recovery-targets.md and docs/restore.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"

namespace backup_engine::wal {

constexpr std::size_t record_header_bytes = 24;
// Resource managers.
constexpr std::uint8_t xlog_manager = 0, transaction_manager = 1, database_manager = 4, tablespace_manager = 5;

struct WalRecord {
  postgres::Lsn start;  // of its header, behind the page's own: PostgreSQL's ReadRecPtr
  postgres::Lsn end;    // where the next record can begin: PostgreSQL's EndRecPtr
  std::uint32_t xid = 0;
  std::uint8_t manager = 0, info = 0;
  // Everything behind the header; kept for the four managers above only. Valid until the next record is read.
  std::span<const std::byte> body;
};

[[nodiscard]] bool is_segment_switch(const WalRecord& record);

enum class Ending { commit, abort };

// A record at which recovery can stop by time or by transaction id: the commit or abort of a transaction, prepared or
// not. A subtransaction that was rolled back alone has an abort record of its own; one that committed has none.
struct TransactionEnd {
  Ending ending = Ending::commit;
  std::uint32_t xid = 0;  // of a prepared transaction its own, not that of the session which ended it
  bool prepared = false;
  base::UtcTime time;
  std::vector<std::uint32_t> subtransactions;  // ended with it
};

// nullopt for every other record. `major`: the layout is that of this PostgreSQL.
[[nodiscard]] std::optional<TransactionEnd> parse_transaction_end(const WalRecord& record, int major);
// Whether the record is PREPARE TRANSACTION's; its xid is the record's.
[[nodiscard]] bool is_prepare(const WalRecord& record);

struct RestorePoint {
  std::string name;
  base::UtcTime time;
};
[[nodiscard]] std::optional<RestorePoint> parse_restore_point(const WalRecord& record);

// CREATE TABLESPACE. Whoever replays it makes the tablespace at that very place, on whatever host.
struct TablespaceCreation {
  postgres::Lsn record;
  std::uint32_t oid = 0;
  std::string location;  // absolute; empty: inside the data directory (an in-place tablespace)
};
[[nodiscard]] std::optional<TablespaceCreation> parse_tablespace_creation(const WalRecord& record);

// The server was started with wal_level = minimal: PostgreSQL recovers no backup past this record.
[[nodiscard]] bool begins_minimal_wal(const WalRecord& record);

// What comes of a database's directories: made empty, and filled by the WAL; copied as files from the one of another
// database, or of the same in another tablespace; removed.
struct DatabaseChange {
  enum class Kind { made, copied, removed };
  postgres::Lsn record;
  Kind kind = Kind::made;
  std::uint32_t oid = 0;
  std::vector<std::uint32_t> tablespaces;           // several only where they are removed
  std::uint32_t from_oid = 0, from_tablespace = 0;  // of what was copied
  bool operator==(const DatabaseChange&) const = default;
};
[[nodiscard]] std::optional<DatabaseChange> parse_database_change(const WalRecord& record);

}  // namespace backup_engine::wal

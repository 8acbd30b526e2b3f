// The ledger: the journal, outside the database and fsynced, of what the load attempted and what it was told.
// evidence/ledger.log is text, one record a line, each ending in its CRC-32C (docs/formats/ledger.md):
//   attempt      just before COMMIT is sent: id, writer, xid, the instant COMMIT was sent, digest of the effects
//   acknowledged COMMIT answered ok without a warning
//   aborted      PostgreSQL reported an ERROR: the transaction is not there
//   unknown      FATAL, PANIC, a connection lost after COMMIT was sent, or a COMMIT with a warning
// An acknowledgement counts only once it is on disk: records past the last group sync are not in a finished file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reports::record {

enum class LedgerEvent : char { attempt = 'A', acknowledged = 'C', aborted = 'E', unknown = 'U' };

struct LedgerRecord {
  LedgerEvent event = LedgerEvent::attempt;
  std::int64_t id = 0;                 // the transaction's ledger id, unique in the drill
  std::int64_t time_microseconds = 0;  // since the Unix epoch: COMMIT sent, or answer received
  // attempt only:
  std::uint32_t writer = 0;
  std::uint64_t xid = 0;  // pg_current_xact_id(), with epoch
  std::string digest;     // hex, of the business effects
};

[[nodiscard]] std::string encode(const LedgerRecord& record);  // one line with '\n'

enum class LedgerOutcome { acknowledged, aborted, unknown };

// One attempted transaction with what became of it.
struct LedgerTransaction {
  std::int64_t id = 0;
  std::uint32_t writer = 0;
  std::uint64_t xid = 0;
  std::string digest;
  std::int64_t sent_microseconds = 0;
  std::int64_t answered_microseconds = 0;          // 0 when no answer was recorded
  LedgerOutcome outcome = LedgerOutcome::unknown;  // an attempt without an answer is unknown
};

// All transactions in the order of their attempts. A torn last line is dropped; any other line that does not hold its
// CRC throws base::Error(corrupt) with its number.
[[nodiscard]] std::vector<LedgerTransaction> read_ledger(const std::filesystem::path& file);

}  // namespace reports::record

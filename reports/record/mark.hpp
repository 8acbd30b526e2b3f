// A mark: a named instant at which no transaction was open, and what the source held then. Written by the workload
// to evidence/marks/NAME.json, read by the judging.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reports::record {

// Order-independent digest of one table's rows (docs/formats/evidence.md says how it is made).
struct TableDigest {
  std::string table;  // schema.name
  std::uint64_t rows = 0;
  std::string digest;  // hex; equal multisets of rows give equal digests
  // Digests of ranges of its rows, in order, so that a difference can be narrowed.
  struct Chunk {
    std::string first_key, last_key;  // the first and last number that the range could hold
    std::uint64_t rows = 0;
    std::string digest;
  };
  std::vector<Chunk> chunks;
  std::string chunks_of = "keys";  // what is numbered: "keys" (integers), "blocks" of its file, "key hashes" (0..63)
};

struct SequencePosition {
  std::string sequence;  // schema.name
  std::int64_t last_value = 0;
  bool is_called = false;
};

// What a probe of a whole database's content yields.
struct ContentDigests {
  std::vector<TableDigest> tables;  // ordered by name; unlogged tables left out
  std::vector<SequencePosition> sequences;
  TableDigest large_objects;
};

// What some tables hold and are: those that a partial restore is about, or all that it may not touch.
struct SelectedTables {
  ContentDigests content;                      // large objects only where all but some tables are meant
  std::map<std::string, std::string> objects;  // their definitions, as Mark::catalog
  // table → ledger ids of the transactions that left rows in it, ascending; tables without such a column are absent
  std::map<std::string, std::vector<std::int64_t>> ledger_ids;
};

struct Mark {
  std::string name;
  std::string restore_point;  // the name given to pg_create_restore_point: the mark's own, prefixed "lifeboat-"
  std::string lsn;            // of the restore point record's end, as the function returned it
  std::string time;           // RFC 3339
  std::uint32_t timeline = 1;
  std::uint64_t ledger_acknowledged = 0;  // acknowledged transactions when it was taken
  ContentDigests content;
  std::map<std::string, std::string> catalog;   // object identity → definition digest or text
  std::map<std::string, std::string> settings;  // name → value, all of pg_settings that can be set in files
  std::optional<SelectedTables> selected;       // of a drill whose restore is partial: the tables that it names
};

void write_mark(const std::filesystem::path& file, const Mark& mark);
// Throws base::Error(corrupt).
[[nodiscard]] Mark read_mark(const std::filesystem::path& file);

}  // namespace reports::record

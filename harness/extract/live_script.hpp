// The one transaction on the live server, as a script for psql: room is made, the selection and what stands on it come
// in, and the rest of the catalog is compared with what it was, or nothing happens (docs/extract.md, "The
// transaction").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/extract/extract.hpp"
#include "harness/extract/live_state.hpp"
#include "harness/extract/taken.hpp"

namespace harness::extract {

// Where the script leaves what the caller reads afterwards.
struct ScriptFiles {
  std::filesystem::path transaction;  // "XID|PID", as soon as it has begun
  std::filesystem::path findings;     // COPY's text: object, key, text; before COMMIT
  std::filesystem::path objects;      // COPY's text: what came back without being ordered
};
[[nodiscard]] ScriptFiles script_files(const std::filesystem::path& directory);

// A view of the target that the live server lost together with a table.
struct LostView {
  View view;
  std::vector<Attachment> attachments;
  Parts parts;
  std::string statistics;
};

struct Dependencies {
  Parts views;             // of the live server's kept views
  std::string statistics;  // of its materialized ones
  std::vector<LostView> lost_views;
  std::vector<Place> places;  // on the live server
};

[[nodiscard]] std::string replacing_script(const Order& order, const Taken& taken, const LiveState& live,
                                           const Dependencies& dependencies, const ScriptFiles& files);
// A key by which rows refer to the table that they go into, or to the whole of which that is a partition.
struct OwnKey {
  ForeignKey key;
  bool by_primary_key = false;  // refers to that, which a row keeps when it is put back
};
// Rows into the table that is there, by its primary key. `key` and `columns` are quoted names.
struct RowTarget {
  Relation table;
  std::vector<std::string> key, columns;
  std::vector<std::string> always_identity;  // columns GENERATED ALWAYS AS IDENTITY outside the key
  std::vector<ForeignKey> foreign_keys;      // to other tables
  std::vector<OwnKey> own_keys;
  std::string triggers_off, triggers_on;
};
[[nodiscard]] std::string rows_script(const Order& order, const Taken& taken, const RowTarget& target,
                                      const ScriptFiles& files);

}  // namespace harness::extract

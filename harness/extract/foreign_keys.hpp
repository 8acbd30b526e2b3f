// Foreign keys, put back in a way that does not lose a restore over rows that newer data has orphaned: such a key stays
// NOT VALID, and its rows become findings.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

struct ForeignKey {
  std::string name;
  Name table, references;
  std::string table_text, references_text;
  std::string references_rows;  // FROM this: a key does not look into children by inheritance
  std::string definition;       // as pg_get_constraintdef gives it; ends in NOT VALID when it was not
  std::string comment;          // SQL that sets it; empty when it has none
  std::string comment_tag;      // as an archive's table of contents names the comment
  bool partitioned = false;     // its table is
  std::string orphans;          // SQL: SELECT of the key digest (column k) of each row that refers to nothing
  std::string join;             // p.a = c.b …, for callers with rows of their own
  std::string not_null;         // c.b IS NOT NULL …
};

// Those of the tables themselves; what a partition has from its parent comes with the parent. SQL in them calls the
// table c and the one that it refers to p.
[[nodiscard]] std::vector<ForeignKey> foreign_keys_of(backup_engine::postgres::Connection& connection,
                                                      const std::vector<Relation>& tables);
// Also what a partition has from its parent: all that a new row has to satisfy.
[[nodiscard]] std::vector<ForeignKey> enforced_keys_of(backup_engine::postgres::Connection& connection,
                                                       const Relation& table);
[[nodiscard]] ForeignKey foreign_key(backup_engine::postgres::Connection& connection, const std::string& oid);

enum class WhenImpossible {
  fail,          // the restore fails: somebody else's key
  note_finding,  // what it refers to is not there as it was: one more finding
};

// Statements that add it, valid when it can be. They use the tables that live_script makes: lifeboat_findings, and
// lifeboat_allowed for what may differ afterwards.
[[nodiscard]] std::string add_statements(const ForeignKey& key, WhenImpossible when);

// DO with a body that may hold anything.
[[nodiscard]] std::string do_block(const std::string& body);

}  // namespace harness::extract

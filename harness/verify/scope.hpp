// Which part of a cluster a probe looks at: all of it, one database, some tables, or all but those. Partial restores
// are judged in two halves (docs/checks.md): what was restored against the mark, and everything else against itself.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/scenario/scenario.hpp"

namespace harness::verify {

struct Scope {
  enum class Kind { everything, only, all_but };
  Kind kind = Kind::everything;
  std::string database{};  // only: nothing of another one; of the tables; empty: the cluster's main one
  std::vector<std::string>
      tables{};          // schema.name as the catalogs spell it; partitions and owned sequences belong to them
  std::string schema{};  // or all that lies in a schema
  // An SQL condition over the one table: only its rows, or all but its rows. The table itself is in both.
  std::string where{};
  // What was restored beside its original ends in an underscore and this; `only` tells it without. Tables are named
  // with it; `schema` is not: the scope is what has the suffix in there, and a schema of that name with the suffix.
  std::string suffix{};

  // only: without what others attach to the tables, the triggers of their foreign keys and publications: a copy beside
  // its original has nothing of that.
  bool without_attached = false;

  [[nodiscard]] bool names_relations() const { return !tables.empty() || !schema.empty(); }
};

// A partial restore's halves: the named tables on the source at the mark; the same where they were restored; and all
// that no restore may touch, the same before and after it.
[[nodiscard]] Scope scope_at_mark(const scenario::PartialRestore& partial);
[[nodiscard]] Scope scope_of_restored(const scenario::PartialRestore& partial);
[[nodiscard]] Scope scope_of_untouched(const scenario::PartialRestore& partial);

// A scope in one database, as its catalogs resolve it now.
class Members {
 public:
  // `main`: whether the connection is to the database that the scope's tables are in.
  Members(backup_engine::postgres::Connection& connection, const Scope& scope, bool main);

  // relation: schema.name of the table that an object belongs to, empty for one that belongs to none; schema: the one
  // that it lies in; attached: a table that it is attached to by another one. What hangs between two tables, one of
  // them named, is neither only theirs nor the rest's when the named one is not its owner.
  [[nodiscard]] bool holds(const std::string& relation, const std::string& schema,
                           const std::string& attached = "") const;
  // schema.name of those that are named, and of what belongs to them.
  [[nodiscard]] const std::set<std::string>& relations() const { return relations_; }
  // " WHERE …" where only some of a table's rows are in scope, else empty.
  [[nodiscard]] std::string row_condition(const std::string& relation) const;
  // `text` with every identifier of a restored copy replaced by that of its original.
  [[nodiscard]] std::string as_original(const std::string& text) const;

 private:
  [[nodiscard]] bool is_named(const std::string& relation, const std::string& schema) const;

  Scope scope_;
  bool main_;
  std::string schema_;  // all of which is named
  std::set<std::string> relations_;
  std::map<std::string, std::string> originals_;  // identifiers of copies → those of what they are copies of
};

}  // namespace harness::verify

#include "harness/verify/scope.hpp"

#include <fmt/format.h>

#include "harness/verify/cluster.hpp"

namespace harness::verify {

using backup_engine::postgres::Connection;
using backup_engine::postgres::Value;

namespace {

// The named tables with their partitions of all levels, and the sequences that belong to a column of these.
constexpr const char* members_sql =
    "WITH RECURSIVE tree AS ("
    " SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "  WHERE n.nspname || '.' || c.relname = ANY (string_to_array($1, E'\\n')) "
    "     OR (c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND (n.nspname = $3 "
    "         OR (n.nspname = $2 AND right(c.relname, length($4)) = $4))) "
    " UNION SELECT c.oid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid "
    "  WHERE c.relispartition), "
    "members AS (SELECT oid FROM tree UNION SELECT d.objid FROM tree t JOIN pg_depend d ON d.refobjid = t.oid "
    " JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' WHERE d.classid = 'pg_class'::regclass "
    " AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) ";

// Identifiers of copies: they alone lose the suffix, so that a column which happens to end in it keeps its name.
constexpr const char* copies_sql =
    "SELECT name FROM (SELECT c.relname AS name FROM members m JOIN pg_class c ON c.oid = m.oid UNION SELECT $3 "
    "UNION SELECT c.relname FROM members m JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class c ON c.oid = "
    "i.indexrelid "
    "UNION SELECT o.conname FROM members m JOIN pg_constraint o ON o.conrelid = m.oid "
    "UNION SELECT t.tgname FROM members m JOIN pg_trigger t ON t.tgrelid = m.oid "
    "UNION SELECT r.rulename FROM members m JOIN pg_rewrite r ON r.ev_class = m.oid "
    "UNION SELECT p.polname FROM members m JOIN pg_policy p ON p.polrelid = m.oid "
    "UNION SELECT s.stxname FROM members m JOIN pg_statistic_ext s ON s.stxrelid = m.oid) AS names "
    "WHERE position($4 IN name) > 0";

// orders_restored, and what PostgreSQL names by itself after it: orders_restored_id_seq.
std::string original_of(std::string copy, const std::string& ending) {
  const auto at = copy.rfind(ending);
  return at == std::string::npos ? copy : copy.erase(at, ending.size());
}

std::string lines(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : "\n") + name;
  return text;
}

bool is_identifier_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$';
}

Scope scope_of(const scenario::PartialRestore& partial) {
  Scope scope;
  scope.kind = Scope::Kind::only;
  scope.database = partial.database;
  scope.tables = partial.tables;
  scope.schema = partial.schema;
  scope.where = partial.where;
  scope.without_attached = partial.placement == scenario::Placement::beside;
  return scope;
}

// Beside a table stands table_SUFFIX, beside a schema schema_SUFFIX.
void name_the_copies(const scenario::PartialRestore& partial, Scope& scope) {
  if (partial.placement != scenario::Placement::beside) return;
  for (auto& table : scope.tables) table += "_" + partial.suffix;
  scope.suffix = partial.suffix;
}

}  // namespace

Scope scope_at_mark(const scenario::PartialRestore& partial) {
  return scope_of(partial);
}

Scope scope_of_restored(const scenario::PartialRestore& partial) {
  auto scope = scope_of(partial);
  name_the_copies(partial, scope);
  return scope;
}

Scope scope_of_untouched(const scenario::PartialRestore& partial) {
  auto scope = scope_of_restored(partial);
  scope.kind = Scope::Kind::all_but;
  // All of a copy is new; of a table that rows were put back into the other rows must be as they were.
  if (partial.placement == scenario::Placement::beside) scope.where.clear();
  return scope;
}

Members::Members(Connection& connection, const Scope& scope, bool main) : scope_(scope), main_(main) {
  if (!main || !scope.names_relations()) return;
  const auto ending = scope.suffix.empty() ? "" : "_" + scope.suffix;
  schema_ = scope.schema.empty() ? "" : scope.schema + ending;
  const std::vector<Value> names = {Value(lines(scope.tables)), Value(scope.schema), Value(schema_), Value(ending)};
  for (const auto& row :
       connection.query(std::string(members_sql) +
                            "SELECT n.nspname || '.' || c.relname FROM members m JOIN pg_class c ON c.oid = m.oid "
                            "JOIN pg_namespace n ON n.oid = c.relnamespace",
                        names)) {
    relations_.insert(to_text(row[0]));
  }
  if (ending.empty() || scope.kind != Scope::Kind::only) return;
  for (const auto& row : connection.query(std::string(members_sql) + copies_sql, names)) {
    originals_.emplace(to_text(row[0]), original_of(to_text(row[0]), ending));
  }
}

bool Members::is_named(const std::string& relation, const std::string& schema) const {
  if (!main_) return false;
  return relations_.contains(relation) || (!schema_.empty() && schema == schema_);
}

bool Members::holds(const std::string& relation, const std::string& schema, const std::string& attached) const {
  if (!scope_.names_relations()) return true;
  const bool attached_to_named = !attached.empty() && is_named(attached, attached.substr(0, attached.find('.')));
  switch (scope_.kind) {
    case Scope::Kind::everything:
      return true;
    case Scope::Kind::only:
      return is_named(relation, schema) || (attached_to_named && !scope_.without_attached);
    case Scope::Kind::all_but:
      return !scope_.where.empty() || !(is_named(relation, schema) || attached_to_named);
  }
  return true;
}

std::string Members::row_condition(const std::string& relation) const {
  if (scope_.where.empty() || !relations_.contains(relation)) return "";
  return fmt::format(" WHERE ({}){}", scope_.where, scope_.kind == Scope::Kind::all_but ? " IS NOT TRUE" : "");
}

std::string Members::as_original(const std::string& text) const {
  if (originals_.empty()) return text;
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    auto end = at;
    while (end < text.size() && is_identifier_character(text[end])) ++end;
    if (end == at) {
      result += text[at++];
      continue;
    }
    const auto word = text.substr(at, end - at);
    const auto original = originals_.find(word);
    result += original == originals_.end() ? word : original->second;
    at = end;
  }
  return result;
}

}  // namespace harness::verify

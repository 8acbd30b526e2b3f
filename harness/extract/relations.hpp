// The tables that an order names, as one server has them: with their partitions, wherever these lie, and with what has
// a name of its own in their schema (indexes, owned sequences, extended statistics).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"

namespace harness::extract {

struct Name {
  std::string schema, object;  // as the catalog has them
  bool operator==(const Name&) const = default;
};

// "orders", "shop.orders" or "\"My Shop\".orders" → its parts, read as SQL reads a name. Throws base::Error(usage) when
// it is none, or has no schema.
[[nodiscard]] Name parse_name(backup_engine::postgres::Connection& connection, const std::string& text);
[[nodiscard]] std::string quoted(const Name& name);

struct Relation {
  std::string oid;
  Name name;
  std::string text;  // schema.name, quoted where SQL wants it
  char kind = 'r';   // pg_class.relkind
  bool logged = true;
  bool named = false;          // in the order, not only as somebody's partition
  std::string parent_outside;  // of a partition whose parent is not among them: the parent's text
};

// Parents before partitions; a name that the server does not have is left out. Throws base::Error(usage) for one that
// is no table.
[[nodiscard]] std::vector<Relation> find_tables(backup_engine::postgres::Connection& connection,
                                                const std::vector<Name>& names);
[[nodiscard]] std::vector<Relation> tables_of_schema(backup_engine::postgres::Connection& connection,
                                                     const std::string& schema);

struct Attachment {
  std::string what;  // INDEX, SEQUENCE or STATISTICS
  Name name;
};
// `oids`: of tables or materialized views, "{1,2,3}".
[[nodiscard]] std::vector<Attachment> attachments_of(backup_engine::postgres::Connection& connection,
                                                     const std::string& oids);

// "{1,2,3}", for $1::oid[].
[[nodiscard]] std::string oids_of(const std::vector<Relation>& tables);
[[nodiscard]] bool contains(const std::vector<Relation>& tables, const Name& name);
// Whether the server has a relation of this name, whatever its kind.
[[nodiscard]] bool exists(backup_engine::postgres::Connection& connection, const Name& name);
[[nodiscard]] bool schema_exists(backup_engine::postgres::Connection& connection, const std::string& schema);

}  // namespace harness::extract

#include "harness/extract/foreign_keys.hpp"

#include <fmt/format.h>

namespace harness::extract {

using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_identifier;
using backup_engine::postgres::quote_literal;
using backup_engine::postgres::Rows;

namespace {

constexpr int keys_told = 20;  // of the rows that one key finds orphaned

// The operators are the constraint's own: a column's type may have others of the same name.
constexpr auto select =
    "SELECT c.conname, n.nspname, t.relname, rn.nspname, r.relname, format('%I.%I', n.nspname, t.relname), "
    "format('%I.%I', rn.nspname, r.relname), pg_get_constraintdef(c.oid), t.relkind = 'p', "
    "(SELECT string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, opn.nspname, o.oprname, ca.attname), ' AND ')"
    "   FROM unnest(c.conkey, c.confkey, c.conpfeqop) AS k (child, parent, operator)"
    "   JOIN pg_attribute ca ON ca.attrelid = c.conrelid AND ca.attnum = k.child"
    "   JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = k.parent"
    "   JOIN pg_operator o ON o.oid = k.operator JOIN pg_namespace opn ON opn.oid = o.oprnamespace), "
    "(SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM pg_attribute a"
    "  WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)), "
    "coalesce((SELECT string_agg(format('c.%I', a.attname), ', ' ORDER BY k.n) FROM pg_index i"
    "   CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, n)"
    "   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    "  WHERE i.indrelid = c.conrelid AND i.indisprimary),"
    " (SELECT string_agg(format('c.%I', a.attname), ', ') FROM pg_attribute a"
    "   WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey))), "
    "obj_description(c.oid, 'pg_constraint'), format('CONSTRAINT %I ON %I', c.conname, t.relname), r.relkind = 'p' "
    "FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
    "JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace ";

std::vector<ForeignKey> keys_of(const Rows& rows) {
  std::vector<ForeignKey> keys;
  for (const auto& row : rows) {
    ForeignKey key;
    key.name = *row[0];
    key.table = {*row[1], *row[2]};
    key.references = {*row[3], *row[4]};
    key.table_text = *row[5];
    key.references_text = *row[6];
    key.definition = *row[7];
    key.partitioned = row[8] == "t";
    key.references_rows = (row[14] == "t" ? "" : "ONLY ") + key.references_text;
    key.join = *row[9];
    key.not_null = *row[10];
    // The digest of a key is that of harness/verify: docs/formats/evidence.md.
    key.orphans = fmt::format(
        "SELECT left(encode(sha256(convert_to((ROW({}))::text, 'UTF8')), 'hex'), 16) AS k FROM {}{} AS c WHERE {} "
        "AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
        *row[11], key.partitioned ? "" : "ONLY ", key.table_text, key.not_null, key.references_rows, key.join);
    if (row[12]) {
      key.comment = fmt::format("COMMENT ON CONSTRAINT {} ON {} IS {};", quote_identifier(key.name), key.table_text,
                                quote_literal(*row[12]));
    }
    key.comment_tag = *row[13];
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string add_to(const std::string& table, const ForeignKey& key, const std::string& suffix) {
  return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}{};", table, quote_identifier(key.name), key.definition,
                     suffix);
}

// Before PostgreSQL 18 a partitioned table takes no key that is not valid, but its partitions do.
std::string add_not_valid(const ForeignKey& key) {
  auto plain = add_to(key.table_text, key, " NOT VALID");
  if (!key.partitioned) return plain;
  return fmt::format(
      "IF current_setting('server_version_num')::int >= 180000 THEN {0} "
      "ELSE FOR leaf IN SELECT relid::regclass::text AS name FROM pg_partition_tree({1}::regclass) WHERE isleaf LOOP "
      "EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', leaf.name, {2}, {3}); "
      "INSERT INTO pg_temp.lifeboat_allowed VALUES (leaf.name, {2}); END LOOP; END IF;",
      plain, quote_literal(key.table_text), quote_literal(key.name), quote_literal(key.definition));
}

}  // namespace

std::string do_block(const std::string& body) {
  std::string tag = "$lifeboat$";
  while (body.find(tag) != std::string::npos) tag.insert(tag.size() - 1, "x");
  return fmt::format("DO {0}{1}{0};\n", tag, body);
}

std::vector<ForeignKey> foreign_keys_of(Connection& connection, const std::vector<Relation>& tables) {
  return keys_of(
      connection.query(std::string(select) +
                           "WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY ($1::oid[]) ORDER BY 6, 1",
                       {oids_of(tables)}));
}

std::vector<ForeignKey> enforced_keys_of(Connection& connection, const Relation& table) {
  // A partition's key has the parent's key above it; PostgreSQL keeps others below, one for each partition referred to.
  return keys_of(connection.query(
      std::string(select) +
          "LEFT JOIN pg_constraint above ON above.oid = c.conparentid WHERE c.contype = 'f' AND c.conrelid = $1::oid "
          "AND (c.conparentid = 0 OR above.confrelid = c.confrelid) ORDER BY 6, 1",
      {table.oid}));
}

ForeignKey foreign_key(Connection& connection, const std::string& oid) {
  return keys_of(connection.query(std::string(select) + "WHERE c.oid = $1::oid", {oid})).at(0);
}

std::string add_statements(const ForeignKey& key, WhenImpossible when) {
  const auto where = key.partitioned ? "its partitions have it NOT VALID (before PostgreSQL 18)" : "it is NOT VALID";
  auto body = fmt::format(
      "DECLARE leaf record; orphans text[]; BEGIN {}\n"
      "EXCEPTION WHEN foreign_key_violation THEN\n"
      "  orphans := ARRAY({});\n"
      "  {}\n"
      "  INSERT INTO pg_temp.lifeboat_allowed VALUES ({}, {});\n"
      "  INSERT INTO pg_temp.lifeboat_findings (object, key, text) SELECT {}, '', cardinality(orphans) || {}\n"
      "  UNION ALL SELECT {}, k, {} FROM unnest(orphans[1:{}]) AS k;\n",
      add_to(key.table_text, key, ""), key.orphans, add_not_valid(key), quote_literal(key.table_text),
      quote_literal(key.name), quote_literal(key.table_text),
      quote_literal(fmt::format(" rows refer to rows of {} that are not there: constraint {}; {}", key.references_text,
                                key.name, where)),
      quote_literal(key.table_text),
      quote_literal(
          fmt::format("refers to a row of {} that is not there: constraint {}", key.references_text, key.name)),
      keys_told);
  if (when == WhenImpossible::note_finding) {
    body += fmt::format(
        "WHEN undefined_table OR undefined_column OR invalid_schema_name OR invalid_foreign_key OR datatype_mismatch "
        "OR wrong_object_type THEN\n"
        "  INSERT INTO pg_temp.lifeboat_allowed VALUES ({0}, {1});\n"
        "  INSERT INTO pg_temp.lifeboat_findings (object, key, text) VALUES ({0}, '', {2} || SQLERRM);\n",
        quote_literal(key.table_text), quote_literal(key.name),
        quote_literal(fmt::format("the constraint {} could not be put back: ", key.name)));
  }
  auto statements = do_block(body + "END");
  if (!key.comment.empty()) {
    statements += do_block(fmt::format("BEGIN {} EXCEPTION WHEN undefined_object THEN NULL; END", key.comment));
  }
  return statements;
}

}  // namespace harness::extract

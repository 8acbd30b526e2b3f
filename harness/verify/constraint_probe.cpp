#include "harness/verify/constraint_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "harness/verify/lock_holders.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::postgres::Connection;
using backup_engine::postgres::Rows;
using reports::record::ConstraintEvidence;
using reports::record::SequenceEvidence;

namespace {

constexpr int keys_shown = 5;

struct Rule {
  std::string table, constraint, kind;
  std::string violations;  // SQL that returns one row (count, digests of a few keys)
};

// A query with the column k (what to digest) becomes its count and some digests.
std::string counted(const std::string& query) {
  return fmt::format("SELECT count(*), array_to_string((array_agg(k))[1:{}], ',') FROM ({}) AS broken", keys_shown,
                     query);
}

// MATCH SIMPLE: a key with a NULL in it refers to nothing. MATCH FULL: some but not all NULL is broken as well.
// Partitioned tables are read through their root, which has the constraint that was declared; of any other table a key
// speaks of its own rows only, not of those that inherit from it. A foreign key with PERIOD is another rule.
std::vector<Rule> foreign_keys(Connection& connection) {
  std::vector<Rule> rules;
  const auto* const is_of_periods = connection.server_version().major() >= 18 ? "c.conperiod" : "false";
  for (const auto& row : connection.query(fmt::format(
           "SELECT c.conrelid::regclass::text, c.conname, c.confrelid::regclass::text, "
           "string_agg(format('c.%I', a.attname), ', ' ORDER BY k.n), "
           "string_agg(format('p.%I OPERATOR(%s) c.%I', r.attname, "
           "  (SELECT quote_ident(n.nspname) || '.' || o.oprname FROM pg_operator o JOIN pg_namespace n ON n.oid = "
           "o.oprnamespace "
           "    WHERE o.oid = c.conpfeqop[k.n]), a.attname), ' AND ' ORDER BY k.n), "
           "string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ' ORDER BY k.n), "
           "string_agg(format('c.%I IS NOT NULL', a.attname), ' OR ' ORDER BY k.n), c.confmatchtype, "
           "CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, CASE f.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END "
           "FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid "
           "CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k(child, parent, n) "
           "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.child "
           "JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = k.parent "
           "WHERE c.contype = 'f' AND c.conparentid = 0 AND c.convalidated AND NOT {} GROUP BY c.oid, c.conrelid, "
           "c.conname, c.confrelid, c.confmatchtype, f.relkind, t.relkind",
           is_of_periods))) {
    const auto complete = to_text(row[5]);
    const auto missing = fmt::format("({} AND NOT EXISTS (SELECT 1 FROM {}{} AS p WHERE {}))", complete,
                                     to_text(row[9]), to_text(row[2]), to_text(row[4]));
    const auto half = fmt::format(" OR (({}) AND NOT ({}))", to_text(row[6]), complete);
    rules.push_back(
        {to_text(row[0]), to_text(row[1]), "foreign key",
         counted(fmt::format("SELECT {} AS k FROM {}{} AS c WHERE {}{}", key_digest_sql("ROW(" + to_text(row[3]) + ")"),
                             to_text(row[8]), to_text(row[0]), missing, to_text(row[7]) == "f" ? half : ""))});
  }
  return rules;
}

// Grouping by the key's columns or expressions reads the table itself; index children of partitions are covered by
// their root's index. A key WITHOUT OVERLAPS forbids more than equal values: its index is one of exclusion.
std::vector<Rule> unique_keys(Connection& connection) {
  std::vector<Rule> rules;
  const auto nulls = connection.server_version().major() >= 15 ? "i.indnullsnotdistinct" : "false";
  for (const auto& row : connection.query(fmt::format(
           "SELECT i.indrelid::regclass::text, c.relname, i.indisprimary, "
           "(SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ') FROM generate_series(1, i.indnkeyatts) "
           "n), "
           "(SELECT string_agg('(' || pg_get_indexdef(i.indexrelid, n, true) || ') IS NOT NULL', ' AND ') "
           "   FROM generate_series(1, i.indnkeyatts) n), "
           "coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'), {}, "
           "CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END "
           "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace s ON s.oid = c.relnamespace "
           "JOIN pg_class t ON t.oid = i.indrelid "
           "WHERE i.indisunique AND NOT i.indisexclusion AND i.indisvalid AND t.relispopulated AND NOT EXISTS (SELECT "
           "1 FROM pg_inherits h "
           "WHERE h.inhrelid = "
           "i.indexrelid) "
           "AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND s.nspname !~ '^pg_temp'",
           nulls))) {
    const auto where = to_text(row[6]) == "t" ? "true" : to_text(row[4]);
    rules.push_back({to_text(row[0]), to_text(row[1]), to_text(row[2]) == "t" ? "primary key" : "unique",
                     counted(fmt::format("SELECT {} AS k FROM {}{} WHERE ({}) AND ({}) GROUP BY {} HAVING count(*) > 1",
                                         key_digest_sql("ROW(" + to_text(row[3]) + ")"), to_text(row[7]),
                                         to_text(row[0]), where, to_text(row[5]), to_text(row[3])))});
  }
  return rules;
}

struct RowRule {
  std::string constraint, kind, broken;  // broken: SQL that is true for a row that violates it
};

// CHECK, NOT NULL and domain rules of one table, all in one scan. Inside a domain's rule VALUE is a column name like
// any other, so a subquery that offers such a column evaluates it. num_nulls, because the planner of PostgreSQL 17
// answers "IS NULL" of a column declared not null without looking.
std::map<std::string, std::vector<RowRule>> row_rules(Connection& connection) {
  std::map<std::string, std::vector<RowRule>> rules;
  for (const auto& row : connection.query(
           "SELECT c.conrelid::regclass::text, c.conname, 'check', format('(%s) IS FALSE', pg_get_expr(c.conbin, "
           "c.conrelid)) "
           "FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
           "WHERE c.contype = 'c' AND c.convalidated AND t.relkind = 'r' "
           "UNION ALL SELECT a.attrelid::regclass::text, a.attname, 'not null', format('num_nulls(%I) > 0', a.attname) "
           "FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
           "WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped AND t.relkind = 'r' AND t.relpersistence <> 't' "
           "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
           "UNION ALL SELECT a.attrelid::regclass::text, a.attname || ' (' || d.conname || ')', 'domain', "
           "format('(SELECT %s FROM (SELECT t.%I::%s AS value) AS v) IS FALSE', pg_get_expr(d.conbin, 0), a.attname, "
           "format_type(y.typbasetype, y.typtypmod)) "
           "FROM pg_constraint d JOIN pg_type y ON y.oid = d.contypid JOIN pg_attribute a ON a.atttypid = y.oid "
           "JOIN pg_class t ON t.oid = a.attrelid WHERE d.contype = 'c' AND d.convalidated AND t.relkind = 'r' "
           "AND a.attnum > 0 AND NOT a.attisdropped AND t.relpersistence <> 't'")) {
    rules[to_text(row[0])].push_back({to_text(row[1]), to_text(row[2]), to_text(row[3])});
  }
  return rules;
}

// Whether an error tells of the rule itself (what it calls or names, a library that its function lacks, what that
// raised): not of damage, a lock, a limit or a lost server, which are no rule's own.
bool is_of_the_rule(const Error& error) {
  static constexpr std::array<std::string_view, 6> of_the_server{"40", "53", "55P03", "57", "58", "XX"};
  const std::string_view state = error.sqlstate();
  if (error.kind() != backup_engine::base::ErrorKind::server) return false;
  if (std::string_view(error.what()).find("could not access file") != std::string_view::npos) return true;
  return std::ranges::none_of(of_the_server, [state](auto start) { return state.starts_with(start); });
}

struct Answer {
  std::optional<Rows> rows;
  std::string error;  // why there are none, in PostgreSQL's words, first line
};

// Within a savepoint, so that the transaction goes on. `first` is run before it.
Answer ask_within_savepoint(Connection& connection, const std::string& query, const std::string& first = "") {
  connection.execute("SAVEPOINT rule; " + first);
  Answer answer;
  try {
    answer.rows = connection.query(query);
  } catch (const Error& error) {
    if (!is_of_the_rule(error)) throw;
    const std::string what = error.what();
    answer.error = what.substr(0, what.find('\n'));
  }
  connection.execute("ROLLBACK TO rule; RELEASE rule");
  return answer;
}

// A rule may call a function that leaves out the schema of what it names, and works by the search_path that the
// database sets for its sessions.
Answer ask(Connection& connection, const std::string& query) {
  auto answer = ask_within_savepoint(connection, query);
  return answer.rows ? answer : ask_within_savepoint(connection, query, "RESET search_path");
}

void examine(Connection& connection, const Rule& rule, const std::string& prefix, ConstraintEvidence& evidence) {
  const auto answer = ask(connection, rule.violations);
  if (!answer.rows) {
    evidence.not_evaluated.push_back(
        fmt::format("{}{}: {} {}: {}", prefix, rule.table, rule.kind, rule.constraint, answer.error));
    return;
  }
  ++evidence.examined;
  const auto& row = (*answer.rows)[0];
  const auto count = to_count(row[0]);
  if (count == 0) return;
  ConstraintEvidence::Broken broken{prefix + rule.table, rule.constraint, rule.kind, count, {}};
  const auto keys = to_text(row[1]);
  for (std::size_t at = 0; at < keys.size(); at += 17) broken.keys.push_back(keys.substr(at, 16));
  evidence.broken.push_back(std::move(broken));
}

// All in one scan; each that a row breaks, or all when one of them cannot be evaluated, is then asked for by itself.
void examine_rows(Connection& connection, const std::string& table, const std::vector<RowRule>& rules,
                  const std::string& prefix, ConstraintEvidence& evidence) {
  std::string counts;
  for (const auto& rule : rules) {
    counts += fmt::format("{}count(*) FILTER (WHERE {})", counts.empty() ? "" : ", ", rule.broken);
  }
  const auto found = ask_within_savepoint(connection, fmt::format("SELECT {} FROM ONLY {} AS t", counts, table));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (found.rows && to_count((*found.rows)[0][i]) == 0) {
      ++evidence.examined;
      continue;
    }
    examine(connection,
            {table, rules[i].constraint, rules[i].kind,
             counted(fmt::format("SELECT {} AS k FROM ONLY {} AS t WHERE {}", key_digest_sql("t"), table,
                                 rules[i].broken))},
            prefix, evidence);
  }
}

void list_unproven(Connection& connection, const std::string& prefix, ConstraintEvidence& evidence) {
  for (const auto& row :
       connection.query("SELECT coalesce(nullif(conrelid, 0)::regclass::text, contypid::regtype::text) || "
                        "'.' || conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1")) {
    evidence.not_validated.push_back(prefix + to_text(row[0]));
  }
  for (const auto& row : connection.query("SELECT indexrelid::regclass::text FROM pg_index "
                                          "WHERE NOT (indisvalid AND indisready AND indislive) ORDER BY 1")) {
    evidence.invalid_indexes.push_back(prefix + to_text(row[0]));
  }
}

ConstraintEvidence constraints_of(const Cluster& cluster) {
  ConstraintEvidence evidence;
  for (const auto& database : all_databases(cluster)) {
    const auto prefix = name_prefix(cluster, database);
    auto connection = open_session(cluster, database);
    connection.execute("SET enable_mergejoin = off; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    set_indexes(connection, Indexes::trusted);
    auto rules = foreign_keys(connection);
    for (auto& rule : unique_keys(connection)) rules.push_back(std::move(rule));
    const auto rules_of_rows = row_rules(connection);
    list_unproven(connection, prefix, evidence);
    set_indexes(connection, Indexes::left_alone);
    for (const auto& rule : rules) examine(connection, rule, prefix, evidence);
    for (const auto& [table, of_rows] : rules_of_rows) examine_rows(connection, table, of_rows, prefix, evidence);
    connection.execute("COMMIT");
  }
  return evidence;
}

SequenceEvidence sequences_of(const Cluster& cluster) {
  SequenceEvidence evidence;
  for (const auto& database : all_databases(cluster)) {
    const auto prefix = name_prefix(cluster, database);
    auto connection = open_session(cluster, database);
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    set_indexes(connection, Indexes::trusted);
    // Owned by or identity of a column (a dependency of the sequence), or named in its default (one of the default).
    const auto pairs = connection.query(
        "SELECT DISTINCT s.oid::regclass::text, t.oid::regclass::text, a.attname, quote_ident(a.attname), "
        "q.seqincrement > 0 "
        "FROM (SELECT objid AS sequence, refobjid AS relation, refobjsubid::int AS attribute FROM pg_depend "
        "       WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') "
        "         AND refobjsubid > 0 "
        "      UNION ALL SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid "
        "       WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n') "
        "AS p "
        "JOIN pg_class s ON s.oid = p.sequence AND s.relkind = 'S' AND s.relpersistence = 'p' "
        "JOIN pg_class t ON t.oid = p.relation AND t.relkind IN ('r', 'p') AND t.relpersistence = 'p' "
        "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = p.attribute AND a.atttypid IN (20, 21, 23) "
        "JOIN pg_sequence q ON q.seqrelid = s.oid WHERE NOT q.seqcycle ORDER BY 1, 2, 3");
    set_indexes(connection, Indexes::left_alone);
    for (const auto& pair : pairs) {
      const auto ascending = to_text(pair[4]) == "t";
      const auto row = connection.query(
          fmt::format("SELECT s.last_value, s.is_called, (SELECT {}({}) FROM {}) FROM {} AS s",
                      ascending ? "max" : "min", to_text(pair[3]), to_text(pair[1]), to_text(pair[0])))[0];
      ++evidence.examined;
      if (!row[2]) continue;
      const auto last = to_integer(row[0]);
      const auto extreme = to_integer(row[2]);
      const auto beyond = ascending ? extreme > last : extreme < last;
      if (!beyond && (extreme != last || to_text(row[1]) == "t")) continue;
      evidence.behind.push_back(
          {prefix + to_text(pair[0]), prefix + to_text(pair[1]), to_text(pair[2]), last, extreme});
    }
    connection.execute("COMMIT");
  }
  return evidence;
}

}  // namespace

ConstraintEvidence probe_constraints(const Cluster& cluster) {
  return naming_lock_holders(cluster, [&] { return constraints_of(cluster); });
}

SequenceEvidence probe_sequences(const Cluster& cluster) {
  return naming_lock_holders(cluster, [&] { return sequences_of(cluster); });
}

}  // namespace harness::verify

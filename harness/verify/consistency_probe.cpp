#include "harness/verify/consistency_probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "harness/verify/lock_holders.hpp"

namespace harness::verify {

using backup_engine::postgres::Connection;
using reports::record::ConsistencyEvidence;

namespace {

struct Reference {
  std::string from, to;                               // catalogs
  std::vector<std::string> from_columns, to_columns;  // the last of the former may be an array, or zero for nothing
  bool is_array = false, may_be_zero = false;
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// PostgreSQL's own list of which catalog refers to which (pg_get_catalog_foreign_keys, since 14).
std::vector<Reference> references(Connection& connection) {
  std::vector<Reference> result;
  for (const auto& row : connection.query(
           "SELECT fktable, pktable, array_to_string(fkcols, ' '), array_to_string(pkcols, ' '), is_array, is_opt "
           "FROM pg_get_catalog_foreign_keys()")) {
    result.push_back({to_text(row[0]), to_text(row[1]), words_of(to_text(row[2])), words_of(to_text(row[3])),
                      row[4] == "t", row[5] == "t"});
  }
  return result;
}

// How many rows refer to one that is not there.
std::string dangling_sql(const Reference& reference) {
  std::string columns, match;
  const auto last = reference.from_columns.size();
  for (std::size_t i = 1; i <= last; ++i) {
    const auto& column = reference.from_columns[i - 1];
    const bool unnested = reference.is_array && i == last;
    columns += fmt::format("{}{} AS k{}", i == 1 ? "" : ", ", unnested ? fmt::format("unnest({})", column) : column, i);
    match += fmt::format("{}there.{} = f.k{}", i == 1 ? "" : " AND ", reference.to_columns[i - 1], i);
  }
  return fmt::format(
      "SELECT count(*) FROM (SELECT {} FROM {}) f WHERE f.k{} IS NOT NULL{} AND NOT EXISTS (SELECT FROM {} there WHERE "
      "{})",
      columns, reference.from, last, reference.may_be_zero ? fmt::format(" AND f.k{} <> 0", last) : "", reference.to,
      match);
}

void probe_references(Connection& connection, const std::string& prefix, ConsistencyEvidence& evidence) {
  for (const auto& reference : references(connection)) {
    ++evidence.references_examined;
    const auto rows = to_count(connection.query(dangling_sql(reference))[0][0]);
    if (rows == 0) continue;
    evidence.broken_references.push_back(
        {fmt::format("{}{} ({})", prefix, reference.from, fmt::join(reference.from_columns, ", ")),
         fmt::format("{} ({})", reference.to, fmt::join(reference.to_columns, ", ")), rows});
  }
}

void probe_files(Connection& connection, const std::string& prefix, ConsistencyEvidence& evidence) {
  for (const auto& row : connection.query(
           "SELECT c.oid::regclass, path, (pg_stat_file(path, true)).size IS NULL FROM pg_class c, "
           "LATERAL (SELECT pg_relation_filepath(c.oid) AS path) p "
           "WHERE c.relkind IN ('r', 'i', 't', 'm', 'S') AND c.relpersistence <> 't' AND path IS NOT NULL")) {
    ++evidence.files_examined;
    if (row[2] == "t")
      evidence.missing_files.push_back(fmt::format("{}{}: {}", prefix, to_text(row[0]), to_text(row[1])));
  }
}

ConsistencyEvidence consistency_of(const Cluster& cluster) {
  ConsistencyEvidence evidence;
  for (const auto& database : all_databases(cluster)) {
    auto connection = open_session(cluster, database);
    const auto prefix = name_prefix(cluster, database);
    probe_references(connection, prefix, evidence);
    probe_files(connection, prefix, evidence);
  }
  return evidence;
}

}  // namespace

ConsistencyEvidence probe_consistency(const Cluster& cluster) {
  return naming_lock_holders(cluster, [&] { return consistency_of(cluster); });
}

}  // namespace harness::verify

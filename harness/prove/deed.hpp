// A deed: one harm, planned for the very copy that it is about to be done to, with what each check whose business it is
// must name. The faults themselves are those of harness/faults, which disasters use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "reports/record/ledger.hpp"

namespace harness::prove {

// What a finding must say: its object is `object` or ends in it, its key is `key`, its text holds `words`. Empty:
// anything.
struct Trace {
  std::string object, words{}, key{};
};

struct Deed {
  std::map<std::string, Trace> traces;  // check → trace
  // Any of these; the paths are below the data directory, the server is down.
  std::function<void(const std::filesystem::path& data_directory)> on_disk{};
  std::function<void(const std::filesystem::path& data_directory)> put_back{};  // before the server starts again
  std::function<void(backup_engine::postgres::Connection& connection)> in_database{};
  std::map<std::string, std::string> blind{};  // checks that cannot see it here, and why; a trace of it they have
  std::string why_not{};  // this copy has nothing that could be harmed so; then nothing of the above is set
};

[[nodiscard]] inline Deed impossible(std::string why) {
  Deed deed;
  deed.why_not = std::move(why);
  return deed;
}

// A statement of a scenario's SQL file, which may say itself how its rule is broken (docs/checks.md, "sql").
struct Rule {
  std::string check;     // "sql FILE"
  std::string name;      // the statement's
  std::string text;      // the statement
  std::string sabotage;  // SQL; empty: it does not say
};

// The untouched copy, while it runs, and what is known of it. Deeds that would meet are kept apart: whoever harms a
// table's rows claims it.
struct Surroundings {
  backup_engine::postgres::Connection& connection;  // a superuser's, search_path = pg_catalog
  const std::vector<reports::record::LedgerTransaction>& ledger;
  const std::vector<Rule>& rules;
  bool marked = true;  // a mark says what the catalogs must hold; without one they are compared with themselves
  std::set<std::string> claimed;                // oids of tables
  std::set<std::int64_t> claimed_transactions;  // ledger ids
};

}  // namespace harness::prove

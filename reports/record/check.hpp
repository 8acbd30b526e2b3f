// What a check says: its verdict, and a finding for each thing that is wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/record/verdict.hpp"

namespace reports::record {

// Names things, never values: key is a digest of the key's values.
struct Finding {
  std::string object;  // shop.orders, a file, a setting …
  std::string key;     // empty where there is none
  std::string lsn;     // X/X, empty where there is none
  std::string xid;
  std::string time;  // RFC 3339
  std::string text;  // what is wrong, one sentence
  bool operator==(const Finding&) const = default;
};

struct Check {
  std::string name;
  Verdict verdict = Verdict::unknown;
  std::string summary;  // one sentence a person can act on
  std::string expected, actual;
  std::vector<Finding> findings;
  double seconds = 0;
  std::string witness;                 // ledger, mark, wal, postgres, scenario, engine …
  std::vector<std::string> proven_by;  // sabotages of this drill that made it fail (issue of detector proof)
  bool operator==(const Check&) const = default;
};

}  // namespace reports::record

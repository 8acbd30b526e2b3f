// What the proof of the detectors left: which sabotage was done to a throwaway copy of what was restored, what the
// check responsible has to say of it, and what the probes saw before and after it. Lies below DRILL/proof, so that the
// proof can be judged again offline (docs/formats/evidence.md, "The proof").
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/record/evidence.hpp"
#include "reports/record/report.hpp"
#include "reports/record/verdict.hpp"

namespace reports::record {

// One sabotage, for one of the checks whose business it is.
struct Sabotage {
  std::string name;                // of the catalogue
  std::string check;               // as checks[] of the report names it, or "exactness"
  Verdict wanted = Verdict::fail;  // pass: the check is known to be blind to it, as why_blind says
  // What a finding must say: its object is this or ends in it, its text holds `words`, its key is `key`; empty:
  // anything.
  std::string object, words, key;
  std::string why_not;  // what this cluster has not, that could be harmed so; empty: it has
  std::string broke;    // why doing it failed; empty: it was done
  std::string why_blind{};
  std::string seen_in = "sabotaged";  // the evidence that shows it: this, or a name of `astray`
};

struct ProofEvidence {
  std::vector<Sabotage> sabotages;
  RestoreTarget target;                    // what the copy was recovered to
  Evidence untouched, sabotaged;           // of the same copy, before and after
  std::map<std::string, Evidence> astray;  // of one that recovered elsewhere on purpose, by where that is
  std::string broke;                       // why the proof did not come to its end; empty: it did
  double seconds = 0;
};

// DRILL/proof/sabotages.json, and the evidence in DRILL/proof/untouched, DRILL/proof/sabotaged and one folder more for
// each of `astray`.
void write_proof(const std::filesystem::path& drill_directory, const ProofEvidence& proof);
// nullopt when the drill proved nothing. Throws base::Error(corrupt | unsupported) as read_evidence().
[[nodiscard]] std::optional<ProofEvidence> read_proof(const std::filesystem::path& drill_directory);

}  // namespace reports::record

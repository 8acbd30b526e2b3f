// What the checks of a cluster's backups share, so that nothing is read twice and nothing held twice.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/verify/verified_packs.hpp"

namespace backup_engine::verify {

struct SharedChecks {
  bool unpack = true;  // VerifyRequest::unpack
  VerifiedPacks packs;
  std::map<std::string, bool> tables;  // whether it is sound, by name of the object
  std::set<std::string> objects;       // names of what belongs to the backups: of a large cluster's, many and the same
  // Backups whose tables are sound and whose blocks were all looked at, by the full of their chain, in that order.
  std::map<std::string, std::vector<std::string>> verified;
};

}  // namespace backup_engine::verify

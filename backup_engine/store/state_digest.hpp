// What a repository holds, in one number: whoever keeps it elsewhere can tell that a repository was put back to an
// older state, which no key can tell. Defined in docs/encryption.md, "Rollback".
#pragma once

#include <string>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

// 64 hexadecimal digits: SHA-256 over name and SHA-256 of repository.json, every keys object, and every cluster.json
// and manifest.json, in order of name; zeros for one that cannot be read. Needs no key.
[[nodiscard]] std::string state_digest(Storage& storage);

}  // namespace backup_engine::store

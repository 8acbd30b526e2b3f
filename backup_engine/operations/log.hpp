// The operations log over an open storage. Entries are objects put if absent under the next number, so that the
// repository itself orders two hosts; each holds the SHA-256 of the one before it.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/operations.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::operations {

enum class Repeats { keep, leave_out };  // of the newest entry's failure, on the same host, within an hour

void append(store::Storage& storage, const Operation& operation, Repeats repeats = Repeats::keep);

struct Tampered {
  std::string object, text;
};
struct Log {
  std::vector<Operation> operations;
  std::vector<Tampered> tampered;
};
[[nodiscard]] Log read(store::Storage& storage, const std::string& cluster);

}  // namespace backup_engine::operations

// One entry of the operations log as a document. Defined in docs/formats/operations.md.
#pragma once

#include <cstdint>
#include <string>

#include "backup_engine/operations.hpp"

namespace backup_engine::store {

struct OperationEntry {
  Operation operation;
  std::uint32_t number = 0;  // from 1
  std::string previous;      // SHA-256 of the text of the entry before it
};

[[nodiscard]] std::string encode_operation(const OperationEntry& entry);
// Throws Error naming `object`: corrupt, unsupported.
[[nodiscard]] OperationEntry decode_operation(const std::string& text, const std::string& object);

}  // namespace backup_engine::store

// JSON documents that notice damage to themselves: the last member is the SHA-256 of every byte before it, so that a
// document is still plain JSON to read. Defined in docs/formats/repository.md, "Documents".
#pragma once

#include <string>
#include <string_view>

namespace backup_engine::store {

// `object_json`: a JSON object with at least one member, dumped with an indent of 2.
[[nodiscard]] std::string seal_json(std::string object_json);
// Checks the seal over `text`; throws Error(corrupt) naming `object`.
void check_sealed_json(std::string_view text, const std::string& object);

}  // namespace backup_engine::store

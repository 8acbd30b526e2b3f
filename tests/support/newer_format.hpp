// An object of a repository as a later Lifeboat might write it: whole and sealed, with a format version that this one
// does not know (docs/formats/object.md, repository.md "Documents").
#pragma once

#include <span>
#include <string>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/store/sealed_json.hpp"

namespace tests {

// `bytes`: a document or a binary object of version 1.
inline std::string in_newer_format(std::string bytes) {
  namespace base = backup_engine::base;
  if (bytes.starts_with("LIFEBOAT")) {
    constexpr std::size_t version_at = 8, header_bytes = 92;
    bytes.at(version_at) = 99;
    const auto crc = base::crc32c(std::as_bytes(std::span(bytes).first(header_bytes)));
    for (std::size_t i = 0; i < 4; ++i) bytes.at(header_bytes + i) = static_cast<char>(crc >> (8 * i));
    return bytes;
  }
  const std::string version = "\"version\": 1";
  bytes.replace(bytes.find(version), version.size(), "\"version\": 99");
  bytes.erase(bytes.rfind(",\n  \"sha256\""));
  return backup_engine::store::seal_json(bytes + "\n}");
}

}  // namespace tests

#include "backup_engine/store/sealed_json.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

std::string seal_of(std::string_view body) {
  return fmt::format(",\n  \"sha256\": \"{}\"\n}}\n", base::sha256_hex(body));
}

}  // namespace

std::string seal_json(std::string object_json) {
  constexpr std::string_view end = "\n}";
  if (!object_json.ends_with(end)) throw Error(ErrorKind::internal, "a document to be sealed is no indented object");
  object_json.resize(object_json.size() - end.size());
  return object_json + seal_of(object_json);
}

void check_sealed_json(std::string_view text, const std::string& object) {
  static const auto seal_bytes = seal_of("").size();
  if (text.size() <= seal_bytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: cut off after {} bytes", object, text.size()));
  }
  const auto body = text.substr(0, text.size() - seal_bytes);
  if (text.substr(body.size()) != seal_of(body)) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: does not match its own SHA-256", object));
  }
}

}  // namespace backup_engine::store

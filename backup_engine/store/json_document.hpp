// Writing and reading the store's sealed JSON documents. Included by .cpp files only.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/sealed_json.hpp"

namespace backup_engine::store {

using Json = nlohmann::ordered_json;

// {"format": …, "version": 1} to which the caller adds.
[[nodiscard]] inline Json new_document(const std::string& format) {
  return Json{{"format", format}, {"version", 1}};
}

[[nodiscard]] inline std::string to_sealed_text(const Json& document) {
  return seal_json(document.dump(2));
}

// Checks seal, format and version, then runs `read` over the document. Whatever it misses there is Error(corrupt)
// naming `object`; a future version is Error(unsupported).
template <typename Read>
auto read_document(const std::string& text, const std::string& object, const std::string& format, Read&& read) {
  using base::Error;
  using base::ErrorKind;
  check_sealed_json(text, object);
  try {
    const auto document = Json::parse(text);
    if (document.at("format") != format) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: is no {} document", object, format));
    }
    const auto version = document.at("version").get<int>();
    if (version != 1) {
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: written in format version {}; this Lifeboat reads version 1", object, version))
          .with_remedy("use the version of Lifeboat that wrote it, or a newer one");
    }
    return read(document);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {  // the JSON library's, or a number that is none
    throw Error(ErrorKind::corrupt, fmt::format("{}: {}", object, error.what()));
  }
}

}  // namespace backup_engine::store

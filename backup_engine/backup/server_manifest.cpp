#include "backup_engine/backup/server_manifest.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

namespace {

std::string path_of(const nlohmann::json& file) {
  if (file.contains("Path")) return file.at("Path").get<std::string>();
  const auto& encoded = file.at("Encoded-Path");
  auto path = base::text_from_hex(encoded.get<std::string>());
  if (!path) throw Error(ErrorKind::corrupt, fmt::format("not a path in hexadecimal digits: {}", encoded.dump()));
  return std::move(*path);
}

Error differs(const std::string& path, std::string_view how) {
  return Error(ErrorKind::corrupt, fmt::format("{} did not arrive as the server sent it: {}", path, how))
      .with_remedy("Take the backup again; if this comes back, suspect the memory or the network.");
}

}  // namespace

void ServerManifest::feed(std::span<const std::byte> bytes) {
  for (const auto byte : bytes) {
    if (byte == std::byte{'\n'}) {
      take_line();
      line_.clear();
    } else {
      line_.push_back(static_cast<char>(byte));
    }
  }
}

// PostgreSQL writes each file on a line of its own: one object, with a comma unless it is the last.
void ServerManifest::take_line() {
  std::string_view object = line_;
  if (object.ends_with(',')) object.remove_suffix(1);
  if (!object.starts_with("{ \"Path\"") && !object.starts_with("{ \"Encoded-Path\"")) return;
  try {
    const auto file = nlohmann::json::parse(object);
    files_[path_of(file)] = {file.at("Size").get<std::uint64_t>(), file.value("Checksum", std::string())};
  } catch (const std::exception& error) {
    throw Error(ErrorKind::corrupt, fmt::format("the server's backup_manifest cannot be read: {}", error.what()));
  }
}

void ServerManifest::require_same(const std::vector<postgres::ManifestFile>& stored,
                                  const std::function<bool(const std::string& path)>& wanted) const {
  std::map<std::string_view, const postgres::ManifestFile*> by_path;
  for (const auto& file : stored) by_path[file.path] = &file;
  for (const auto& [path, sent] : files_) {
    const auto mine = by_path.find(path);
    if (mine == by_path.end()) {
      if (wanted(path)) throw differs(path, "it is not there");
      continue;
    }
    const auto& file = *mine->second;
    if (file.size_bytes != sent.size_bytes) {
      throw differs(path, fmt::format("{} bytes instead of {}", file.size_bytes, sent.size_bytes));
    }
    if (postgres::manifest_crc_text(file.crc32c) != sent.crc) throw differs(path, "its checksum is another");
  }
  for (const auto& file : stored) {
    if (!files_.contains(file.path)) throw differs(file.path, "the server does not know of it");
  }
}

}  // namespace backup_engine::backup

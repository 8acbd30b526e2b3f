// The backup_manifest that the server sends behind the files: what it read and sent, by its own account. Compared with
// what was stored, it shows that nothing was lost or changed on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/postgres/backup_manifest.hpp"

namespace backup_engine::backup {

class ServerManifest {
 public:
  // More of its text, in pieces of any size. Throws Error(corrupt).
  void feed(std::span<const std::byte> bytes);

  // Throws Error(corrupt) naming a file of `stored` that the server sent otherwise or not at all, or one that it sent,
  // `wanted` wants and that is not stored.
  void require_same(const std::vector<postgres::ManifestFile>& stored,
                    const std::function<bool(const std::string& path)>& wanted) const;

 private:
  struct Sent {
    std::uint64_t size_bytes = 0;
    std::string crc;  // as PostgreSQL prints it
  };
  void take_line();

  std::string line_;
  std::map<std::string, Sent> files_;
};

}  // namespace backup_engine::backup

// Segments that were fetched before PostgreSQL asked for them: a private directory beside the file that it asked for,
// `.lifeboat-fetch`, so that handing one over is a rename. Nothing in it is believed: beside each segment lies a record
// of where it came from and the XXH3-128 of its bytes, and both must hold. Defined in docs/formats/wal.md, "Fetching".
//
//   SEGMENT         its bytes            SEGMENT.record   which repository, cluster and segment, size and hash
//   SEGMENT.part    being written        lock             held by the one process that fills the spool
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace backup_engine::wal {

class Spool {
 public:
  using Write = std::function<void(std::span<const std::byte>)>;

  // Touches nothing. `repository` and `cluster` are those that segments must have come from.
  Spool(const std::filesystem::path& beside, const std::string& repository, const std::string& cluster,
        postgres::SegmentSize size);

  // Renames the segment to `to`. False when it is not there; one that is not what its record says is removed first.
  [[nodiscard]] bool take(const std::string& name, const std::filesystem::path& to) const;
  [[nodiscard]] bool holds(const std::string& name) const;

  // Makes the directory, 0700. False when it cannot be had as our own: somebody else's, a link, no permission.
  [[nodiscard]] bool make() const;
  // An exclusive lock, not waited for; nullopt when another holds it or the directory is gone.
  [[nodiscard]] std::optional<base::UniqueFd> lock() const;
  // `fill` writes the bytes, in order. Nothing is synced: a record that does not hold is found. Throws Error, also when
  // the directory went meanwhile.
  void put(const std::string& name, const std::function<void(const Write&)>& fill) const;

  // Removes segments before `wanted`, and those too far behind it to be wanted soon.
  void keep_near(const postgres::WalSegment& wanted, unsigned ahead) const;
  // Removes all of it, if it is there: whoever fills it finds it gone and ends.
  void clear() const;

 private:
  [[nodiscard]] std::string record_of(const std::string& name, std::span<const std::byte> bytes) const;
  void drop(const std::string& name) const;

  std::filesystem::path directory_;
  std::string origin_;
  postgres::SegmentSize size_;
};

}  // namespace backup_engine::wal

// Segments that were fetched before PostgreSQL asked for them: a private directory beside the file that it asked for,
// `.lifeboat-fetch`, so that handing one over is a rename. Nothing in it is believed: beside each segment lies a record
// of where it came from, the XXH3-128 of its bytes, and a stamp of the file as it was left. The origin must be ours;
// and the file must be the one that was left, untouched and since this boot, or its bytes are hashed again. Defined in
// docs/formats/wal.md, "Fetching".
//
//   SEGMENT         its bytes            SEGMENT.record   origin, size, hash and stamp; comes last
//   *.part          being written        lock             held by the one process that fills the spool
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
  Spool(const std::filesystem::path& beside, const std::string& repository, const std::string& cluster);

  // Renames the segment to `to`, and says how large it is. nullopt when it is not there; one that is not what its
  // record says is removed.
  [[nodiscard]] std::optional<postgres::SegmentSize> take(const std::string& name,
                                                          const std::filesystem::path& to) const;
  [[nodiscard]] bool holds(const std::string& name) const;

  // Makes the directory, 0700. False when it cannot be had as our own: somebody else's, a link, no permission.
  [[nodiscard]] bool make() const;
  // An exclusive lock, not waited for; nullopt when another holds it or the directory is gone.
  [[nodiscard]] std::optional<base::UniqueFd> lock() const;
  // `fill` writes the bytes, in order. Nothing is synced: a record that does not hold is found. Throws Error, also when
  // the directory went meanwhile.
  void put(const std::string& name, const std::function<void(const Write&)>& fill) const;

  // Removes segments before `wanted`, and those too far behind it to be wanted soon.
  void keep_near(const postgres::WalSegment& wanted, postgres::SegmentSize size, unsigned ahead) const;
  // Removes all of it, if it is there: whoever fills it finds it gone and ends.
  void clear() const;

 private:
  [[nodiscard]] std::string head_of_record(const std::string& name, std::uint64_t size_bytes) const;
  [[nodiscard]] bool is_sound(const std::string& name, std::uint64_t& size_bytes) const;
  void write_new(const std::string& name, std::string_view text) const;
  void drop(const std::string& name) const;

  std::filesystem::path directory_;
  std::string origin_;
};

}  // namespace backup_engine::wal

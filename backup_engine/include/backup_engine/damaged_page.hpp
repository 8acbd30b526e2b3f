// Pages whose checksum was wrong on the source when a backup read them: stored as they are, counted and named
// (docs/formats/backup.md, "Damaged pages").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backup_engine {

// Read again, and judged against the WAL.
struct DamagedPage {
  std::string file;         // relative to the data directory
  std::uint32_t block = 0;  // page of this file, from 0
  bool operator==(const DamagedPage&) const = default;
};

// "2 damaged pages (base/5/16384 block 3, base/5/16384 block 7)", the first few by name.
[[nodiscard]] std::string text_of(const std::vector<DamagedPage>& pages);

}  // namespace backup_engine

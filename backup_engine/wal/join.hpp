// Joins the parts of a segment into the bytes that they hold together.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

using ReadObject = std::function<std::vector<std::byte>(const std::string& object)>;

// The bytes from `from` to where the parts end. All parts lie at or after `from`; none is left out: where they overlap
// (a merged part beside those it was made of) their bytes must agree. Throws Error(corrupt), naming the parts, when
// they do not, when a part is not as long as its name says, and when WAL between two parts is missing.
[[nodiscard]] std::vector<std::byte> join_parts(std::vector<WalPart> parts, postgres::Lsn from, const ReadObject& read);

// How often to look at a segment again that somebody else may settle between the listing of its parts and their
// reading.
class Looks {
 public:
  // Whether that error may come of it: a part that was listed is gone; or of those not yet listed the first is, which
  // looks like missing WAL. What is really missing is missing still at the last look. They remove one part after the
  // other, and who reads right behind them may meet that at each.
  [[nodiscard]] bool again(const base::Error& error);

 private:
  int gone_ = 0, wrong_ = 0;
};

}  // namespace backup_engine::wal

#include "backup_engine/wal/join.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;

std::vector<std::byte> join_parts(std::vector<WalPart> parts, postgres::Lsn from, const ReadObject& read) {
  // The longest first among those that start together, so that a merged part is met before its sources.
  std::ranges::sort(parts, [](const WalPart& left, const WalPart& right) {
    return left.from != right.from ? left.from < right.from : left.to > right.to;
  });
  std::vector<std::byte> joined;
  for (const auto& part : parts) {
    const auto bytes = read(part.object);
    if (bytes.size() != part.to - part.from) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("{} holds {} bytes of WAL, not those that its name says", part.object, bytes.size()));
    }
    const auto offset = part.from - from;
    if (offset > joined.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("WAL is missing from {} to {}, before {}",
                                                  to_string(from + joined.size()), to_string(part.from), part.object));
    }
    const auto overlap = std::min<std::size_t>(joined.size() - offset, bytes.size());
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(overlap),
                    joined.begin() + static_cast<std::ptrdiff_t>(offset))) {
      throw Error(ErrorKind::corrupt, fmt::format("{} holds other WAL than the parts beside it", part.object))
          .with_remedy(
              "two receivers of different servers wrote into one cluster name; keep the parts and ask which is right");
    }
    joined.insert(joined.end(), bytes.begin() + static_cast<std::ptrdiff_t>(overlap), bytes.end());
  }
  return joined;
}

bool Looks::again(const Error& error) {
  constexpr int most_gone = 1000, most_wrong = 5;
  if (error.kind() == ErrorKind::not_found) return ++gone_ < most_gone;
  return error.kind() == ErrorKind::corrupt && ++wrong_ < most_wrong;
}

}  // namespace backup_engine::wal

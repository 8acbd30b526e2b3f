#include "backup_engine/verify/block_placement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;

namespace {

// Whether `block` lies in the same bundle as those before it, right behind them.
bool goes_on(const PlacedBlocks& last, const PlacedBlocks& block) {
  return last.count > 0 && last.file == block.file && last.offset_bytes == block.offset_bytes &&
         last.number + last.count == block.number && last.block + last.count == block.block;
}

// Counts the pieces of each pack without holding them.
class Counting {
 public:
  explicit Counting(std::vector<std::uint64_t>& held) : held_(held), last_(held.size()) {}
  void add(std::uint32_t row, const PlacedBlocks& block) {
    if (goes_on(last_[row], block)) {
      ++last_[row].count;
      return;
    }
    last_[row] = block;
    ++held_[row];
    ++total_;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  std::vector<std::uint64_t>& held_;
  std::vector<PlacedBlocks> last_;
  std::uint64_t total_ = 0;
};

void add_block(std::vector<PlacedBlocks>& blocks, const PlacedBlocks& block) {
  if (!blocks.empty() && goes_on(blocks.back(), block)) {
    ++blocks.back().count;
  } else {
    blocks.push_back(block);
  }
}

}  // namespace

// Those of a file that one extent holds.
struct BlockPlacement::Extent {
  const store::FileEntry& file;
  PlacedBlocks first;  // without its place in a pack
  std::uint64_t end_block = 0;
  SharedBlocks shared;  // with the verified backup
};

BlockPlacement::BlockPlacement(const store::BackupReader& backup, std::string index_name, std::vector<Wanted> wanted,
                               const VerifiedBackup* verified, std::size_t most)
    : backup_(backup),
      index_name_(std::move(index_name)),
      wanted_(std::move(wanted)),
      verified_(verified),
      most_(most),
      held_(wanted_.size()),
      leaves_((backup.index().block_count() + store::leaf_entries - 1) / store::leaf_entries) {
  whole_ = Stretch{0, std::vector<std::vector<PlacedBlocks>>(wanted_.size())};
  Counting counting(held_);
  walk(Pass::first, {0, 0xFFFFFFFF}, [&](std::uint32_t row, const PlacedBlocks& block) {
    counting.add(row, block);
    if (!whole_) return;
    add_block(whole_->blocks[row], block);
    if (counting.total() > most_) whole_.reset();
  });
}

std::optional<BlockPlacement::Stretch> BlockPlacement::next() {
  if (next_row_ >= wanted_.size()) return std::nullopt;
  if (whole_) {
    next_row_ = wanted_.size();
    return std::move(*whole_);
  }
  Stretch stretch{next_row_, {}};
  std::uint64_t pieces = 0;
  auto end = next_row_;
  do {
    pieces += held_[end++];
  } while (end < wanted_.size() && pieces + held_[end] <= most_);
  stretch.blocks.resize(end - next_row_);
  for (auto row = next_row_; row < end; ++row) stretch.blocks[row - next_row_].reserve(held_[row]);
  if (pieces > 0) {
    const Rows rows{static_cast<std::uint32_t>(next_row_), static_cast<std::uint32_t>(end - 1)};
    walk(Pass::again, rows, [&](std::uint32_t row, const PlacedBlocks& block) {
      add_block(stretch.blocks[row - stretch.first_row], block);
    });
  }
  next_row_ = end;
  return stretch;
}

// Each block that is to be read and lies in `rows`, in the order of the files.
template <typename Visit>
void BlockPlacement::walk(Pass pass, Rows rows, Visit visit) {
  for (std::size_t i = 0; i < backup_.files().size(); ++i) {
    const auto file = backup_.files().entry(i);
    const auto count = file.kind == store::FileKind::file ? backup_.block_count(file) : 0;
    std::uint64_t number = 0;
    for (const auto& extent : file.extents) {
      if (number >= count) break;
      const auto blocks = std::min(extent.block_count, count - number);
      Extent part{file, {extent.first_block, 0, 1, static_cast<std::uint32_t>(i), number}, 0, {}};
      part.end_block = extent.first_block + blocks;
      if (verified_ != nullptr) part.shared = verified_->shared_blocks(file.path, number, extent.first_block);
      walk_extent(part, pass, rows, visit);
      number += blocks;
    }
    if (number != count) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("{} has {} blocks in the file table and needs {}", file.path, number, count));
    }
  }
}

template <typename Visit>
void BlockPlacement::walk_extent(const Extent& extent, Pass pass, Rows rows, Visit& visit) {
  const auto& index = backup_.index();
  for (auto at = extent.first; at.block < extent.end_block;) {
    const auto leaf = at.block / store::leaf_entries;
    const auto leaf_end = std::min(extent.end_block, (leaf + 1) * store::leaf_entries);
    if (pass == Pass::again && (leaves_.at(leaf).first > rows.last || leaves_.at(leaf).last < rows.first)) {
      at.number += leaf_end - at.block;
      at.block = leaf_end;
      continue;
    }
    const bool same_leaf = extent.shared.count > 0 && verified_->has_leaf(backup_, leaf);
    for (; at.block < leaf_end; ++at.block, ++at.number) {
      const auto entry = index.entry(at.block);
      // A leaf of hashes is checked when it is first used; the one that is wrong is named here, not a pack later.
      if (pass == Pass::first) static_cast<void>(index.hash(at.block));
      if (entry.is_zero) continue;
      if (entry.pack_row >= wanted_.size() || backup_.manifest().packs[entry.pack_row].is_unused()) {
        throw Error(ErrorKind::corrupt, fmt::format("{}: names a pack that is not in the manifest", index_name_));
      }
      if (entry.pack_row < rows.first || entry.pack_row > rows.last) continue;
      if (!is_wanted(extent, at, entry, same_leaf)) continue;
      if (pass == Pass::first) {
        auto& held = leaves_.at(leaf);
        held = {std::min(held.first, entry.pack_row), std::max(held.last, entry.pack_row)};
      }
      at.offset_bytes = entry.offset_bytes;
      visit(entry.pack_row, at);
    }
  }
}

// Whether it is to be read. `same_leaf`: the verified backup has the same leaf of the index, so the same entry and
// hash.
bool BlockPlacement::is_wanted(const Extent& extent, const PlacedBlocks& at, const store::BlockEntry& entry,
                               bool same_leaf) const {
  const auto wanted = wanted_[entry.pack_row];
  if (wanted != Wanted::unverified) return wanted == Wanted::everything;
  const auto bytes = backup_.block_bytes(extent.file, at.number);
  if (!extent.shared.has(at.block - extent.first.block, bytes)) return true;
  return !same_leaf && !verified_->has_block(at.block, entry, backup_.index().hash(at.block));
}

}  // namespace backup_engine::verify

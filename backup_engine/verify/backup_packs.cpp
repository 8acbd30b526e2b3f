#include "backup_engine/verify/backup_packs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;

namespace {

// Of the backups of its chain that were verified, the one that it builds on most nearly; else the last one beside it.
std::unique_ptr<VerifiedBackup> find_verified(store::Storage& storage, const std::string& cluster,
                                              const store::Manifest& manifest, const SharedChecks& shared) {
  const auto& full = manifest.chain.empty() ? manifest.summary.label : manifest.chain.front();
  const auto usable = shared.verified.find(full);
  if (usable == shared.verified.end()) return nullptr;
  auto label = usable->second.back();
  for (const auto& ancestor : manifest.chain) {
    if (std::ranges::find(usable->second, ancestor) != usable->second.end()) label = ancestor;
  }
  try {
    return std::make_unique<VerifiedBackup>(storage, cluster, label);
  } catch (const Error& error) {
    // It was sound a moment ago, and may have expired: then nothing of it is taken for known.
    const auto kind = error.kind();
    if (kind != ErrorKind::not_found && kind != ErrorKind::corrupt && kind != ErrorKind::unsupported) throw;
    return nullptr;
  }
}

}  // namespace

BackupPacks::BackupPacks(store::Storage& storage, const std::string& cluster, const store::Manifest& manifest,
                         unsigned jobs, SharedChecks& shared, Findings& findings, std::size_t most)
    : storage_(storage),
      cluster_(cluster),
      manifest_(manifest),
      jobs_(jobs),
      shared_(shared),
      findings_(findings),
      most_(most),
      damage_(manifest.packs.size()) {}

BackupPacks::~BackupPacks() = default;

// The verified one first: it needs its file table only while it is opened, and both may be large.
const store::BackupReader& BackupPacks::open_tables() {
  if (shared_.unpack) verified_ = find_verified(storage_, cluster_, manifest_, shared_);
  reader_ = std::make_unique<store::BackupReader>(storage_, cluster_, manifest_.summary.label);
  return *reader_;
}

void BackupPacks::place_blocks() {
  placement_ = std::make_unique<BlockPlacement>(*reader_, store::block_index_name(cluster_, manifest_.summary.label),
                                                wanted_blocks(), verified_.get(), most_);
}

void BackupPacks::close_tables() {
  placement_.reset();
  reader_.reset();
  verified_.reset();
}

std::vector<Wanted> BackupPacks::wanted_blocks() const {
  std::vector<Wanted> wanted(manifest_.packs.size(), Wanted::nothing);
  if (!shared_.unpack) return wanted;
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    const auto& pack = manifest_.packs[row];
    const bool was_verified = verified_ && verified_->has_pack(row, pack) && is_known(row);
    wanted[row] = was_verified ? Wanted::unverified : Wanted::everything;
  }
  return wanted;
}

std::string BackupPacks::name_of(std::size_t row) const {
  return store::pack_name(cluster_, manifest_.packs[row].backup_label, manifest_.packs[row].number);
}

// Not to be read but for blocks that nobody looked at.
bool BackupPacks::is_known(std::size_t row) const {
  return manifest_.packs[row].is_unused() || shared_.packs.is_sound(name_of(row), manifest_.packs[row].digest);
}

std::string BackupPacks::read() {
  if (!placement_) {
    base::for_each_in_parallel(
        jobs_, manifest_.packs.size(),
        [&](std::size_t row) {
          if (!is_known(row)) note(row, read_pack(row, nullptr, {}).damage);
        },
        findings_.stop());
  } else if (!shared_.unpack) {
    read_without_unpacking();
  } else {
    read_placed(*placement_, nullptr);
    const auto& full = manifest_.chain.empty() ? manifest_.summary.label : manifest_.chain.front();
    shared_.verified[full].push_back(manifest_.summary.label);
  }
  const auto first = std::ranges::find_if(damage_, [](const std::string& text) { return !text.empty(); });
  return first == damage_.end() ? std::string() : *first;
}

// `only`: null, or by row what to read at all.
void BackupPacks::read_placed(BlockPlacement& placement, const std::vector<Wanted>* only) {
  while (auto stretch = placement.next()) {
    base::for_each_in_parallel(
        jobs_, stretch->blocks.size(),
        [&](std::size_t i) {
          const auto row = stretch->first_row + i;
          auto blocks = std::move(stretch->blocks[i]);
          if (manifest_.packs[row].is_unused() || (blocks.empty() && is_known(row))) return;
          if (only != nullptr && (*only)[row] == Wanted::nothing) return;
          note(row, read_pack(row, reader_.get(), std::move(blocks)).damage);
        },
        findings_.stop());
  }
}

// Only its blocks tell who needs what is damaged.
void BackupPacks::read_without_unpacking() {
  std::vector<Wanted> damaged(manifest_.packs.size(), Wanted::nothing);
  base::for_each_in_parallel(
      jobs_, damaged.size(),
      [&](std::size_t row) {
        if (!is_known(row) && !read_pack(row, nullptr, {}).is_sound) damaged[row] = Wanted::everything;
      },
      findings_.stop());
  if (std::ranges::find(damaged, Wanted::everything) == damaged.end()) return;
  BlockPlacement placement(*reader_, store::block_index_name(cluster_, manifest_.summary.label), damaged, nullptr,
                           most_);
  read_placed(placement, &damaged);
}

PackVerdict BackupPacks::read_pack(std::size_t row, const store::BackupReader* reader,
                                   std::vector<PlacedBlocks> blocks) {
  const auto name = name_of(row);
  const auto& digest = manifest_.packs[row].digest;
  auto verdict = check_pack(storage_, name, digest, reader, blocks, findings_);
  shared_.packs.add(name, digest, verdict.is_sound);
  return verdict;
}

void BackupPacks::note(std::size_t row, const std::string& damage) {
  if (!damage.empty()) damage_[row] = fmt::format("{}: {}", name_of(row), damage);
}

}  // namespace backup_engine::verify

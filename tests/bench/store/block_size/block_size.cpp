// What each size of blocks, each codec and each size of packs costs, over states of one data directory:
//
//   block_size WORK_DIRECTORY ROUNDS STATE...    STATE: NAME=DIRECTORY, copies of a stopped cluster's data directory
//
// The first state is backed up in full, each of the others as an incremental on the one before it, by the engine's own
// code on one thread. Prints Markdown tables: CPU seconds (user and system, the least of the rounds) and bytes. A
// restore reads the last backup of the chain whole and verifies it; it writes nothing.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "backup_engine/backup/copy_files.hpp"
#include "backup_engine/backup/source_files.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/posix_storage.hpp"

namespace backup = backup_engine::backup;
namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using backup_engine::Codec;
using backup_engine::Compression;

namespace {

const std::string cluster = "main";

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct State {
  std::string name;
  fs::path directory;
};

struct Cost {
  double cpu_seconds = 0;
  std::uint64_t stored_bytes = 0, index_bytes = 0;
  void least(const Cost& other) {
    cpu_seconds = cpu_seconds == 0 ? other.cpu_seconds : std::min(cpu_seconds, other.cpu_seconds);
    stored_bytes = other.stored_bytes;
    index_bytes = other.index_bytes;
  }
};

struct Costs {
  std::vector<Cost> backups;  // one a state
  Cost restore_of_full, restore_of_last, page;
};

// One chain in a repository of its own.
class Chain {
 public:
  Chain(const fs::path& work, const store::BackupLayout& layout)
      : directory_(work, "block-size"), storage_(directory_.path(), base::posix_file_system()), layout_(layout) {}

  [[nodiscard]] std::size_t object_count() { return storage_.list("").size(); }

  Cost back_up(const State& state) {
    const auto began = cpu_seconds();
    const auto type = labels_.empty() ? BackupType::full : BackupType::incremental;
    store::BackupWriter writer(storage_, cluster, store::new_backup_label(storage_, cluster, type, base::utc_now()),
                               layout_, labels_.empty() ? nullptr : open());
    const auto listing = backup::list_source(state.directory, "");
    base::NoProgress progress;
    static_cast<void>(backup::copy_files(listing, writer, {1, true}, progress, {}));
    auto manifest = writer.finish();
    manifest.summary.started_at = manifest.summary.finished_at = base::utc_now();
    manifest.summary.timeline = backup_engine::postgres::TimelineId(1);
    writer.publish(manifest);
    labels_.push_back(writer.label());
    return {cpu_seconds() - began, manifest.summary.stored_bytes,
            manifest.block_index.size_bytes + manifest.block_hashes.size_bytes};
  }

  Cost read_all() {
    const auto began = cpu_seconds();
    const auto reader = open();
    std::vector<std::byte> buffer(std::size_t{1} << 20U);
    const auto blocks_at_once = buffer.size() / layout_.block_size_bytes;
    for (std::size_t i = 0; i < reader->files().size(); ++i) {
      const auto entry = reader->files().entry(i);
      const auto count = entry.kind == store::FileKind::file ? reader->block_count(entry) : 0;
      for (std::uint64_t block = 0; block < count; block += blocks_at_once) {
        reader->read_blocks(entry, block, std::min<std::uint64_t>(blocks_at_once, count - block), buffer);
      }
    }
    return {cpu_seconds() - began, 0, 0};
  }

  // Seconds for one page somewhere in the largest file.
  Cost read_a_page() {
    const auto reader = open();
    store::FileEntry largest;
    for (std::size_t i = 0; i < reader->files().size(); ++i) {
      auto entry = reader->files().entry(i);
      if (entry.size_bytes > largest.size_bytes) largest = std::move(entry);
    }
    std::mt19937_64 random(1);
    std::vector<std::byte> buffer(layout_.block_size_bytes);
    constexpr int pages = 20'000;
    const auto began = cpu_seconds();
    for (int i = 0; i < pages; ++i) {
      reader->read_block(largest, random() % (largest.size_bytes / layout_.block_size_bytes), buffer);
    }
    return {(cpu_seconds() - began) / pages, 0, 0};
  }

 private:
  std::shared_ptr<const store::BackupReader> open() {
    return std::make_shared<const store::BackupReader>(storage_, cluster, labels_.back());
  }

  base::TemporaryDirectory directory_;
  store::PosixStorage storage_;
  store::BackupLayout layout_;
  std::vector<std::string> labels_;
};

void measure(const fs::path& work, const std::vector<State>& states, Compression compression, std::uint32_t block_bytes,
             Costs& costs) {
  costs.backups.resize(states.size());
  Chain chain(work, {compression, block_bytes});
  for (std::size_t i = 0; i < states.size(); ++i) {
    costs.backups[i].least(chain.back_up(states[i]));
    if (i == 0) costs.restore_of_full.least(chain.read_all());
  }
  costs.restore_of_last.least(chain.read_all());
  costs.page.least(chain.read_a_page());
}

void print_head(const std::vector<State>& states) {
  std::string head = "| codec | KiB |", rule = "| --- | --- |";
  for (const auto& state : states) {
    head += fmt::format(" {} MB | CPU s | index MB |", state.name);
    rule += " --- | --- | --- |";
  }
  fmt::print("{} restore of full CPU s | of last | a page, µs |\n{} --- | --- | --- |\n", head, rule);
}

void print_row(const std::string& codec, std::uint32_t block_bytes, const Costs& costs) {
  fmt::print("| {} | {} |", codec, block_bytes >> 10U);
  for (const auto& cost : costs.backups) {
    fmt::print(" {:.1f} | {:.2f} | {:.2f} |", static_cast<double>(cost.stored_bytes) * 1e-6, cost.cpu_seconds,
               static_cast<double>(cost.index_bytes) * 1e-6);
  }
  fmt::print(" {:.2f} | {:.2f} | {:.0f} |\n", costs.restore_of_full.cpu_seconds, costs.restore_of_last.cpu_seconds,
             costs.page.cpu_seconds * 1e6);
  std::fflush(stdout);
}

// Uncompressed, so that there are many.
void print_pack_sizes(const fs::path& work, const State& state, int rounds) {
  fmt::print("\n| packs of MiB | objects | full CPU s | restore CPU s |\n| --- | --- | --- | --- |\n");
  for (const std::uint64_t mib : {1U, 4U, 16U, 64U, 256U}) {
    Cost full, restore;
    std::size_t objects = 0;
    for (int round = 0; round < rounds; ++round) {
      Chain chain(work, {{Codec::none, 0}, store::default_block_bytes, mib << 20U});
      full.least(chain.back_up(state));
      restore.least(chain.read_all());
      objects = chain.object_count();
    }
    fmt::print("| {} | {} | {:.2f} | {:.2f} |\n", mib, objects, full.cpu_seconds, restore.cpu_seconds);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    fmt::print(stderr, "usage: block_size WORK_DIRECTORY ROUNDS NAME=DIRECTORY...\n");
    return 3;
  }
  std::vector<State> states;
  for (int i = 3; i < count; ++i) {
    const std::string text = arguments[i];
    const auto equals = text.find('=');
    states.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  const auto rounds = std::stoi(arguments[2]);
  print_head(states);
  for (const std::string codec : {"none", "lz4", "zstd:1", "zstd:3"}) {
    for (const std::uint32_t kib : {8U, 16U, 32U, 64U, 128U}) {
      Costs costs;
      for (int round = 0; round < rounds; ++round) {
        measure(arguments[1], states, backup_engine::parse_compression(codec), kib << 10U, costs);
      }
      print_row(codec, kib << 10U, costs);
    }
  }
  print_pack_sizes(arguments[1], states.front(), rounds);
  return 0;
}

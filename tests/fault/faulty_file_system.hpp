// A FileSystem that fails, writes short, runs out of space, is killed or loses power at one chosen operation, over a
// real directory. It keeps a model of what is durable: a file's contents as of its last sync, a directory's entries as
// of its last sync. Losing power rewrites the real directory to that. It syncs nothing itself, so it is fast.
//
//   FaultyFileSystem files(directory);      count first:   run(files); const auto count = files.operations();
//   for n in 1..count: a fresh directory, files.strike_at(n, Fault::power_loss), run, then look at what is left
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backup_engine/base/file_system.hpp"

namespace tests {

enum class Fault {
  fail,                      // this operation fails and does nothing; later ones work
  short_write,               // a write puts half its bytes and fails; any other operation as fail
  no_space,                  // as short_write, and whatever needs space fails from then on
  killed,                    // this and every later operation fails; nothing is lost
  power_loss,                // the same, and all that was not synced is gone, contents and names
  power_loss_keeping_names,  // the same, but names and renames survive: contents alone are gone
  // The operation itself works. Of all that was not synced nothing ever becomes durable, and somebody else's sync was
  // told so: ours says it for a file that is still open, and for a file system that was held before.
  lost_write_back,
};

// Without lost_write_back, which concerns those who sync a whole file system at once.
inline constexpr Fault all_faults[] = {Fault::fail,   Fault::short_write, Fault::no_space,
                                       Fault::killed, Fault::power_loss,  Fault::power_loss_keeping_names};

[[nodiscard]] std::string to_string(Fault fault);

// Thread-safe. Errors are base::Error of kind io or no_space whose text begins with "simulated".
class FaultyFileSystem final : public backup_engine::base::FileSystem {
 public:
  // Everything below `root`, which exists, counts as durable at first. Paths outside it are counted, not modelled.
  explicit FaultyFileSystem(std::filesystem::path root);
  ~FaultyFileSystem() override;

  // The fault strikes at the operation with this number; the first is 1. 0: never.
  void strike_at(std::uint64_t operation, Fault fault);
  // Whoever works here falls asleep just before this operation; `meanwhile` is what others do until he wakes, through
  // another file system, and then he goes on.
  void sleep_at(std::uint64_t operation, std::function<void()> meanwhile);
  [[nodiscard]] std::uint64_t operations() const;
  [[nodiscard]] bool struck() const;
  // Power fails now, after the last operation.
  void lose_power(Fault fault = Fault::power_loss);

  [[nodiscard]] std::unique_ptr<backup_engine::base::WritableFile> create(const std::filesystem::path& path,
                                                                          mode_t mode) override;
  [[nodiscard]] std::unique_ptr<backup_engine::base::WritableFile> open(const std::filesystem::path& path) override;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void rename_if_absent(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void remove(const std::filesystem::path& path) override;
  void create_directory(const std::filesystem::path& path, mode_t mode) override;
  void create_symlink(const std::filesystem::path& target, const std::filesystem::path& link) override;
  void set_owner(const std::filesystem::path& path, uid_t user, gid_t group) override;
  void set_mode(const std::filesystem::path& path, mode_t mode) override;
  void sync_directory(const std::filesystem::path& path) override;
  [[nodiscard]] std::unique_ptr<backup_engine::base::HeldFileSystem> hold(const std::filesystem::path& path) override;

 private:
  class File;
  class Held;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  // A directory that was renamed into another one.
  struct Move {
    NodePtr from;
    std::string from_name;
    NodePtr to;
    std::string to_name;
    NodePtr moved;
  };
  enum class Need { nothing, space };

  // All below are called with mutex_ held.
  void begin_operation(const std::string& what, const std::filesystem::path& path, Need need);
  void write(backup_engine::base::WritableFile& file, const std::filesystem::path& path, std::uint64_t offset_bytes,
             std::span<const std::byte> bytes);
  [[nodiscard]] NodePtr find(const std::filesystem::path& path) const;
  [[nodiscard]] NodePtr parent_of(const std::filesystem::path& path) const;
  void scan(Node& node, const std::filesystem::path& path);
  void sync_tree(Node& node, const std::filesystem::path& path);
  void lose_unsynced_writes(Node& node, const std::filesystem::path& path);
  void settle_moves_of(const NodePtr& directory);
  void move_entry(const std::filesystem::path& from, const std::filesystem::path& to);
  void drop_what_is_not_durable(bool keep_names);
  void write_out(const Node& node, const std::filesystem::path& path, bool keep_names) const;

  std::filesystem::path root_;
  mutable std::mutex mutex_;
  NodePtr tree_;
  std::vector<Move> moves_;  // not durable, oldest first
  std::uint64_t operations_ = 0, strike_at_ = 0, sleep_at_ = 0;
  std::function<void()> meanwhile_;
  Fault fault_ = Fault::fail;
  std::uint64_t losses_ = 0;  // in writing back
  bool struck_ = false, dead_ = false, full_ = false;
};

}  // namespace tests

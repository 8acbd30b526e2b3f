// The operating-system seam for everything the engine makes durable: every write, sync and rename of the
// repository and of a restore goes through it, so that a test can make each one fail, write short, run out of
// space or lose power (tests/fault). Reading is not part of it. Paths are absolute or relative to the process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace backup_engine::base {

// A file open for writing. Dropping it without close() closes it and ignores errors; nothing is synced.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual void write_at(std::uint64_t offset_bytes, std::span<const std::byte> bytes) = 0;
  virtual void resize(std::uint64_t size_bytes) = 0;  // sparse where it grows
  virtual void sync() = 0;                            // fdatasync or stronger
  // What is written from now on need not stay in memory: nobody is going to read it soon. Changes nothing else.
  virtual void pass_by_page_cache() {}
  virtual void close() = 0;
};

// A whole file system, held open. Linux tells an error in writing back to those who had something open on it at the
// time, and once to the next who opens: who opens afterwards may be told nothing when another asked in between.
class HeldFileSystem {
 public:
  virtual ~HeldFileSystem() = default;
  // Makes everything on it durable (syncfs). Throws Error also for what was lost since it was held.
  virtual void sync() = 0;
};

// Every function throws Error, naming the path. Nothing is durable before the file *and* its directory are synced.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Error(already_exists) when it does.
  [[nodiscard]] virtual std::unique_ptr<WritableFile> create(const std::filesystem::path& path, mode_t mode) = 0;
  [[nodiscard]] virtual std::unique_ptr<WritableFile> open(const std::filesystem::path& path) = 0;
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // Atomic; Error(already_exists) when `to` does: how put-if-absent is made on POSIX.
  virtual void rename_if_absent(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual void remove(const std::filesystem::path& path) = 0;                         // a file or an empty directory
  virtual void create_directory(const std::filesystem::path& path, mode_t mode) = 0;  // one level
  virtual void create_symlink(const std::filesystem::path& target, const std::filesystem::path& link) = 0;
  virtual void set_owner(const std::filesystem::path& path, uid_t user, gid_t group) = 0;  // does not follow links
  virtual void set_mode(const std::filesystem::path& path, mode_t mode) = 0;
  virtual void sync_directory(const std::filesystem::path& path) = 0;
  // The one that `path`, which exists, lies on: before the first write that its sync() is to answer for.
  [[nodiscard]] virtual std::unique_ptr<HeldFileSystem> hold(const std::filesystem::path& path) = 0;
};

// The real one. Stateless; lives for ever.
[[nodiscard]] FileSystem& posix_file_system();

}  // namespace backup_engine::base

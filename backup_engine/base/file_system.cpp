#include "backup_engine/base/file_system.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/uncached_io.hpp"

namespace backup_engine::base {

namespace fs = std::filesystem;

namespace {

// Where the page cache is made of large folios, a longer write takes several times as long: 480 MB cost 0.1 CPU seconds
// in writes of 64 or 128 KiB, 0.1 to 0.25 in ones of 256 KiB, 0.3 to 0.6 in longer ones (ext4, Linux 6.18).
constexpr std::size_t most_written_at_once = std::size_t{128} << 10U;
// Of what passes it by; each is a request of its own to the disk.
constexpr std::size_t most_passed_by = std::size_t{512} << 10U;
// After that many the disk is set to work, so that a sync at the end has little left to wait for.
constexpr std::uint64_t bytes_until_writeback = std::uint64_t{4} << 20U;

class PosixFile final : public WritableFile {
 public:
  PosixFile(UniqueFd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  void write_at(std::uint64_t offset_bytes, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const auto put = write_some(bytes, offset_bytes);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) throw system_error(errno, "write", path_.string());
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      offset_bytes += static_cast<std::uint64_t>(put);
    }
  }
  void resize(std::uint64_t size_bytes) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0)
      throw system_error(errno, "resize", path_.string());
  }
  void sync() override {
    if (::fdatasync(fd_.get()) != 0) throw system_error(errno, "sync", path_.string());
  }
  void close() override {
    if (::close(fd_.release()) != 0) throw system_error(errno, "close", path_.string());
  }

  void pass_by_page_cache() override { pass_by_ = true; }

 private:
  ssize_t write_some(std::span<const std::byte> bytes, std::uint64_t offset_bytes) {
    if (pass_by_) return write_uncached(fd_.get(), bytes.first(std::min(bytes.size(), most_passed_by)), offset_bytes);
    const auto piece = bytes.first(std::min(bytes.size(), most_written_at_once));
    const auto put = ::pwrite(fd_.get(), piece.data(), piece.size(), static_cast<off_t>(offset_bytes));
    if (put > 0) start_writeback_after(static_cast<std::uint64_t>(put));
    return put;
  }

  // A request to begin, of which nothing is promised: an error of the disk stays with the file for the next sync to
  // report.
  void start_writeback_after(std::uint64_t written_bytes) {
    if ((not_begun_bytes_ += written_bytes) < bytes_until_writeback) return;
    not_begun_bytes_ = 0;
    (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }

  UniqueFd fd_;
  fs::path path_;
  std::atomic<bool> pass_by_ = false;
  std::atomic<std::uint64_t> not_begun_bytes_ = 0;  // written, by any thread, since writing back was asked for
};

class PosixHeldFileSystem final : public HeldFileSystem {
 public:
  explicit PosixHeldFileSystem(fs::path path) : path_(std::move(path)), fd_(open_for_reading(path_)) {}
  void sync() override {
    if (::syncfs(fd_.get()) != 0) throw system_error(errno, "sync the file system of", path_.string());
  }

 private:
  fs::path path_;
  UniqueFd fd_;
};

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<WritableFile> create(const fs::path& path, mode_t mode) override {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd.valid()) throw system_error(errno, "create", path.string());
    return std::make_unique<PosixFile>(std::move(fd), path);
  }
  std::unique_ptr<WritableFile> open(const fs::path& path) override {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.valid()) throw system_error(errno, "open for writing", path.string());
    return std::make_unique<PosixFile>(std::move(fd), path);
  }
  void rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) throw system_error(errno, "rename into place", to.string());
  }
  void rename_if_absent(const fs::path& from, const fs::path& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) throw system_error(errno, "put in place", to.string());
    // A file system without RENAME_NOREPLACE (NFS): a hard link fails just as atomically when the name exists.
    if (::link(from.c_str(), to.c_str()) != 0) throw system_error(errno, "put in place", to.string());
    if (::unlink(from.c_str()) != 0) throw system_error(errno, "remove", from.string());
  }
  void remove(const fs::path& path) override {
    if (::remove(path.c_str()) != 0) throw system_error(errno, "remove", path.string());
  }
  void create_directory(const fs::path& path, mode_t mode) override {
    if (::mkdir(path.c_str(), mode) != 0) throw system_error(errno, "create the directory", path.string());
  }
  void create_symlink(const fs::path& target, const fs::path& link) override {
    if (::symlink(target.c_str(), link.c_str()) != 0) throw system_error(errno, "create the link", link.string());
  }
  void set_owner(const fs::path& path, uid_t user, gid_t group) override {
    if (::lchown(path.c_str(), user, group) != 0) throw system_error(errno, "change the owner of", path.string());
  }
  void set_mode(const fs::path& path, mode_t mode) override {
    if (::chmod(path.c_str(), mode) != 0) throw system_error(errno, "change the mode of", path.string());
  }
  void sync_directory(const fs::path& path) override { base::sync_directory(path); }
  std::unique_ptr<HeldFileSystem> hold(const fs::path& path) override {
    return std::make_unique<PosixHeldFileSystem>(path);
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem the_one;
  return the_one;
}

}  // namespace backup_engine::base

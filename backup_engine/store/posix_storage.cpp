#include "backup_engine/store/posix_storage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace backup_engine::store {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t most_pending = 256;  // each holds a descriptor
// Of an object that may stay in the page cache. A short one, WAL above all, is soon read by somebody; a pack rarely.
constexpr std::uint64_t most_cached_bytes = std::uint64_t{16} << 20U;
constexpr mode_t file_mode = 0640, directory_mode = 0750;

std::string new_temporary_name() {
  std::array<std::byte, debris_digits / 2> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw base::system_error(errno, "read", "random numbers");
  }
  return fmt::format("{}{}{}", debris_head, base::to_hex(random), debris_tail);
}

bool holds_anything(const fs::path& directory) {
  std::error_code error;
  const fs::directory_iterator first(directory, error);
  return !error && first != fs::directory_iterator();
}

void remove_quietly(base::FileSystem& file_system, const fs::path& path) noexcept {
  try {
    file_system.remove(path);
  } catch (const std::exception&) {
    // It stays as debris, which its name says.
  }
}

class PosixObject final : public StoredObject {
 public:
  explicit PosixObject(const fs::path& path) : path_(path), fd_(base::open_for_reading(path)) {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) throw base::system_error(errno, "examine", path.string());
    size_bytes_ = static_cast<std::uint64_t>(info.st_size);
  }
  ~PosixObject() override {
    if (mapped_ != nullptr) ::munmap(mapped_, size_bytes_);
  }
  PosixObject(const PosixObject&) = delete;
  PosixObject& operator=(const PosixObject&) = delete;

  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
  [[nodiscard]] std::size_t read_at(std::uint64_t offset_bytes, std::span<std::byte> buffer) const override {
    const auto got = base::read_at(fd_.get(), buffer, offset_bytes, path_);
    if (size_bytes_ > most_cached_bytes) drop_behind(offset_bytes, got);
    return got;
  }
  [[nodiscard]] std::span<const std::byte> mapping() override {
    const std::lock_guard lock(mutex_);
    if (mapped_ == nullptr && size_bytes_ != 0) {
      void* const at = ::mmap(nullptr, size_bytes_, PROT_READ, MAP_SHARED, fd_.get(), 0);
      if (at == MAP_FAILED) return {};  // some file systems cannot; the caller reads instead
      mapped_ = at;
    }
    return {static_cast<const std::byte*>(mapped_), static_cast<std::size_t>(size_bytes_)};
  }

 private:
  // Packs are read from front to back: of each piece nothing stays in memory once its end was read.
  void drop_behind(std::uint64_t offset_bytes, std::size_t read_bytes) const {
    constexpr std::uint64_t piece = std::uint64_t{4} << 20U;
    const auto first = offset_bytes / piece, end = (offset_bytes + read_bytes) / piece;
    if (first == end) return;
    (void)::posix_fadvise(fd_.get(), static_cast<off_t>(first * piece), static_cast<off_t>((end - first) * piece),
                          POSIX_FADV_DONTNEED);
  }

  fs::path path_;
  base::UniqueFd fd_;
  std::uint64_t size_bytes_ = 0;
  std::mutex mutex_;
  void* mapped_ = nullptr;
};

}  // namespace

class PosixPut final : public PutStream {
 public:
  PosixPut(PosixStorage& storage, fs::path final_path)
      : storage_(storage),
        final_path_(std::move(final_path)),
        temporary_(final_path_.parent_path() / new_temporary_name()),
        file_(storage.file_system_.create(temporary_, file_mode)) {
    storage_.give_to_owner(temporary_);
  }
  ~PosixPut() override {
    if (file_) remove_quietly(storage_.file_system_, temporary_);
  }
  PosixPut(const PosixPut&) = delete;
  PosixPut& operator=(const PosixPut&) = delete;

  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() >= buffer_bytes) {
      flush();
      write_through(bytes);
      return;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= buffer_bytes) flush_whole_pages();
  }
  [[nodiscard]] std::uint64_t size_bytes() const override { return flushed_bytes_ + buffer_.size(); }

  void commit(Durability durability) override {
    flush();
    if (durability == Durability::on_sync) {
      storage_.put_later({std::move(file_), temporary_, final_path_});
      return;
    }
    auto& file_system = storage_.file_system_;
    file_->sync();
    file_->close();
    file_system.rename_if_absent(temporary_, final_path_);
    file_.reset();  // renamed: there is nothing left to remove
    file_system.sync_directory(final_path_.parent_path());
  }

 private:
  static constexpr std::size_t buffer_bytes = 256 * 1024;

  void flush() {
    if (buffer_.empty()) return;
    write_through(buffer_);
    buffer_.clear();
  }
  // A page of memory that is written in two parts may have gone to the disk between them, and is read back for the
  // second.
  void flush_whole_pages() {
    constexpr std::size_t page = 4096;
    const auto whole = buffer_.size() - (flushed_bytes_ + buffer_.size()) % page;
    write_through(std::span(buffer_).first(whole));
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(whole));
  }
  void write_through(std::span<const std::byte> bytes) {
    file_->write_at(flushed_bytes_, bytes);
    flushed_bytes_ += bytes.size();
    if (flushed_bytes_ > most_cached_bytes) file_->pass_by_page_cache();
  }

  PosixStorage& storage_;
  fs::path final_path_, temporary_;
  std::unique_ptr<base::WritableFile> file_;  // empty once committed
  std::vector<std::byte> buffer_;
  std::uint64_t flushed_bytes_ = 0;
};

PosixStorage::PosixStorage(fs::path root, base::FileSystem& file_system)
    : root_(std::move(root)), file_system_(file_system), durable_directories_{root_} {
  struct stat info {};
  if (::geteuid() == 0 && ::stat(root_.c_str(), &info) == 0 && info.st_uid != 0) owner_ = {info.st_uid, info.st_gid};
}

PosixStorage::~PosixStorage() {
  for (const auto& pending : pending_) remove_quietly(file_system_, pending.temporary);
}

fs::path PosixStorage::path_of(const std::string& name) const {
  // Names come from names.hpp; anything that could leave the root is a defect there.
  const fs::path path(name);
  const bool bad = name.empty() || name.front() == '/' || name.back() == '/' ||
                   std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".." || part == "."; });
  if (bad) throw Error(ErrorKind::internal, fmt::format("not an object's name: '{}'", name));
  return root_ / path;
}

void PosixStorage::make_durable_directory(const fs::path& directory) {
  {
    const std::lock_guard lock(mutex_);
    if (durable_directories_.contains(directory)) return;
  }
  // Nothing is made in a directory before its own entry, and those above it, are durable: not here, and not by whoever
  // was here before. So what lies in it, even debris, is proof, and each sync of a directory that is spared is a flush
  // of the disk's cache.
  if (holds_anything(directory)) {
    const std::lock_guard lock(mutex_);
    durable_directories_.insert(directory);
    return;
  }
  const auto parent = directory.parent_path();
  make_durable_directory(parent);
  try {
    file_system_.create_directory(directory, directory_mode);
    give_to_owner(directory);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::already_exists) throw;
  }
  // Also when it was there: whoever made it may have died before syncing its entry.
  file_system_.sync_directory(parent);
  const std::lock_guard lock(mutex_);
  durable_directories_.insert(directory);
}

void PosixStorage::give_to_owner(const fs::path& path) {
  if (owner_) file_system_.set_owner(path, owner_->first, owner_->second);
}

std::unique_ptr<PutStream> PosixStorage::begin_put(const std::string& name) {
  auto path = path_of(name);
  make_durable_directory(path.parent_path());
  return std::make_unique<PosixPut>(*this, std::move(path));
}

void PosixStorage::put_later(Pending pending) {
  bool too_many = false;
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back(std::move(pending));
    too_many = pending_.size() >= most_pending;
  }
  if (too_many) sync();
}

void PosixStorage::sync() {
  std::vector<Pending> pending;
  std::set<fs::path> directories, emptied;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
    emptied.swap(unsynced_directories_);
  }
  try {
    // All contents before any name: what is visible is whole.
    for (const auto& put : pending) {
      put.file->sync();
      put.file->close();
    }
    for (auto& put : pending) {
      file_system_.rename_if_absent(put.temporary, put.final_path);
      directories.insert(put.final_path.parent_path());
      put.temporary.clear();
    }
    for (const auto& directory : directories) file_system_.sync_directory(directory);
    for (const auto& directory : emptied) {
      if (!directories.contains(directory)) sync_removals(directory);
    }
  } catch (...) {
    for (const auto& put : pending) {
      if (!put.temporary.empty()) remove_quietly(file_system_, put.temporary);
    }
    throw;
  }
}

// Another host may have removed the directory too, once it was empty: then that is what must last.
void PosixStorage::sync_removals(fs::path directory) {
  for (;; directory = directory.parent_path()) {
    try {
      return file_system_.sync_directory(directory);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found || directory == root_ || !directory.has_relative_path()) throw;
    }
  }
}

void PosixStorage::make_durable(const std::string& folder) {
  // Contents are synced before they get their name, so only names can be missing.
  const auto directory = path_of(folder.substr(0, folder.size() - 1));
  if (!fs::is_directory(directory)) return;
  make_durable_directory(directory);
  file_system_.sync_directory(directory);
}

std::unique_ptr<StoredObject> PosixStorage::open(const std::string& name) {
  return std::make_unique<PosixObject>(path_of(name));
}

std::optional<std::uint64_t> PosixStorage::size(const std::string& name) {
  const auto path = path_of(name);
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return static_cast<std::uint64_t>(info.st_size);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw base::system_error(errno, "examine", path.string());
}

std::vector<ListedObject> PosixStorage::walk(const std::string& prefix, Listed wanted) const {
  return list_folder(root_, prefix.empty() ? root_ : path_of(prefix.substr(0, prefix.size() - 1)), wanted);
}

std::vector<ListedObject> PosixStorage::list(const std::string& prefix) {
  return walk(prefix, Listed::objects);
}

std::vector<std::string> PosixStorage::list_debris(const std::string& prefix) {
  std::vector<std::string> names;
  for (auto& object : walk(prefix, Listed::debris)) names.push_back(std::move(object.name));
  return names;
}

void PosixStorage::remove(const std::string& name) {
  const auto path = path_of(name);
  const std::lock_guard lock(mutex_);
  const auto waiting = std::find_if(pending_.begin(), pending_.end(),
                                    [&](const Pending& pending) { return pending.final_path == path; });
  if (waiting != pending_.end()) {  // not visible yet, and now never
    const auto temporary = waiting->temporary;
    pending_.erase(waiting);
    file_system_.remove(temporary);
    return;
  }
  file_system_.remove(path);
  unsynced_directories_.insert(path.parent_path());
}

std::optional<base::UtcTime> PosixStorage::changed_at(const std::string& name) {
  struct stat info {};
  if (::stat(path_of(name).c_str(), &info) != 0) return std::nullopt;
  return base::UtcTime(std::chrono::seconds(info.st_mtim.tv_sec) +
                       std::chrono::microseconds(info.st_mtim.tv_nsec / 1000));
}

std::vector<std::string> PosixStorage::list_folders(const std::string& prefix) {
  std::vector<std::string> folders;
  const auto top = path_of(prefix.substr(0, prefix.size() - 1));
  std::error_code error;
  fs::directory_iterator entry(top, error);
  if (error == std::errc::no_such_file_or_directory) return folders;
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (entry->is_directory(gone)) folders.push_back(prefix + entry->path().filename().string() + "/");
  }
  if (error) throw base::system_error(error.value(), "list", top.string());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void PosixStorage::remove_empty_folders(const std::string& prefix) {
  const auto top = path_of(prefix.substr(0, prefix.size() - 1));
  std::vector<fs::path> folders{top};
  std::error_code error;
  for (fs::recursive_directory_iterator entry(top, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory()) folders.push_back(entry->path());
  }
  // The deepest first. One that something lies in, or that is gone, stays as it is.
  std::sort(folders.rbegin(), folders.rend());
  const std::lock_guard lock(mutex_);
  for (const auto& folder : folders) {
    if (!fs::is_empty(folder, error) || error) continue;
    try {
      file_system_.remove(folder);
    } catch (const Error&) {
      continue;  // an empty folder harms nobody
    }
    durable_directories_.erase(folder);
  }
}

}  // namespace backup_engine::store

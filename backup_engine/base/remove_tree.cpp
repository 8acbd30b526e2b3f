#include "backup_engine/base/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"

namespace backup_engine::base {

namespace {

// The removals wait for the file system, not for a processor.
constexpr unsigned removals_at_a_time = 16, directories_at_a_time = 4;
constexpr int deepest_with_threads = 1;  // a drill's folder holds several clusters
constexpr std::size_t worth_a_thread = 8;

class Removal {
 public:
  // Every step goes from an open directory to a name in it, so that nobody can put a link in the way meanwhile.
  void remove(int parent, const std::string& name, int depth = 0) {
    const UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (directory.valid()) {
      empty(directory.get(), depth);
      note(::unlinkat(parent, name.c_str(), AT_REMOVEDIR));
    } else if (errno == ENOTDIR || errno == ELOOP) {
      note(::unlinkat(parent, name.c_str(), 0));
    } else {
      note(-1);
    }
  }
  [[nodiscard]] std::error_code failure() const { return failure_; }
  void fail(int error_number) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::error_code(error_number, std::generic_category());
  }

 private:
  struct Entries {
    std::vector<std::string> directories, files;
  };

  void note(int result) {
    if (result != 0 && errno != ENOENT) fail(errno);
  }

  Entries list(int directory) {
    Entries entries;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0)), ::closedir);
    if (!stream) {
      note(-1);
      return entries;
    }
    while (const auto* const entry = ::readdir(stream.get())) {
      const std::string name(entry->d_name);
      if (name == "." || name == "..") continue;
      // An unknown type is sorted out by remove().
      (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN ? entries.directories : entries.files).push_back(name);
    }
    return entries;
  }

  void empty(int directory, int depth) {
    const auto entries = list(directory);
    for_each_in_parallel(depth < deepest_with_threads ? directories_at_a_time : 1, entries.directories.size(),
                         [&](std::size_t i) { remove(directory, entries.directories[i], depth + 1); });
    const auto jobs = entries.files.size() < worth_a_thread ? 1 : removals_at_a_time;
    for_each_in_parallel(jobs, entries.files.size(),
                         [&](std::size_t i) { note(::unlinkat(directory, entries.files[i].c_str(), 0)); });
  }

  std::mutex mutex_;
  std::error_code failure_;
};

}  // namespace

std::error_code remove_tree(const std::filesystem::path& path) noexcept {
  try {
    Removal removal;
    removal.remove(AT_FDCWD, path.string());
    return removal.failure();
  } catch (const std::system_error& error) {
    return error.code();
  } catch (const std::exception&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

}  // namespace backup_engine::base

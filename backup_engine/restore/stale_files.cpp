#include "backup_engine/restore/stale_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;

namespace {

class StaleFiles {
 public:
  explicit StaleFiles(const Plan& plan) : plan_(plan) {
    for (const auto& directory : plan.directories) directories_.insert(directory.location);
    for (const auto& tablespace : plan.tablespaces) {
      links_.emplace((plan.to / tablespace.link).string(), tablespace.location);
    }
    if (plan.compares) {
      for (std::size_t i = 0; i < plan.files.size(); ++i) {
        if (!plan.files[i].hollow) files_.insert(plan.file(i).location);
      }
    }
    safety_copy_ = plan.to / safety_copy_name;
    mark_ = (plan.to / "global" / mark_name).string();
    directories_.insert((plan.to / "global").string());
  }

  void look_into(const fs::path& top) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(top, error), end; !error && entry != end; entry.increment(error)) {
      // Nobody's but the safety copy's.
      if (entry->path() == safety_copy_) {
        entry.disable_recursion_pending();
      } else {
        look_at(*entry);
      }
    }
    if (error) throw base::system_error(error.value(), "list", top.string());
  }

  // A tablespace's own directory is no part of `to`.
  void look_into_tablespace(const fs::path& version_directory) {
    std::error_code error;
    const fs::directory_entry entry(version_directory, error);
    if (error || !fs::exists(entry.symlink_status())) return;
    look_at(entry);
    if (fs::is_directory(entry.symlink_status())) look_into(version_directory);
  }

  Removed remove(base::FileSystem& file_system, unsigned jobs) {
    base::for_each_in_parallel(jobs, stale_.size(), [&](std::size_t i) { file_system.remove(stale_[i]); });
    // Those inside others were found later.
    std::for_each(stale_directories_.rbegin(), stale_directories_.rend(),
                  [&](const fs::path& directory) { file_system.remove(directory); });
    return {stale_.size(), std::move(notes_)};
  }

 private:
  void look_at(const fs::directory_entry& entry) {
    const auto type = entry.symlink_status().type();
    const auto path = entry.path().string();
    if (type == fs::file_type::directory) {
      if (!directories_.contains(path)) stale_directories_.push_back(entry.path());
    } else if (type == fs::file_type::symlink) {
      const auto target = fs::read_symlink(entry.path());
      const auto planned = links_.find(path);
      if (planned != links_.end() && planned->second == target) return;
      stale_.push_back(entry.path());
      notes_.push_back(
          fmt::format("the link {} led to {} and was removed; what is there stays as it is", path, target.string()));
    } else if (path != mark_ && !may_be_compared(entry, type)) {
      stale_.push_back(entry.path());
    }
  }

  // Writing into a file with another name (a copy made of links) would change that one too.
  [[nodiscard]] bool may_be_compared(const fs::directory_entry& entry, fs::file_type type) const {
    return type == fs::file_type::regular && files_.contains(entry.path().string()) && entry.hard_link_count() == 1;
  }

  const Plan& plan_;
  std::unordered_set<std::string> directories_, files_;
  std::unordered_map<std::string, fs::path> links_;
  std::string mark_;
  fs::path safety_copy_;
  std::vector<fs::path> stale_, stale_directories_;
  std::vector<std::string> notes_;
};

}  // namespace

Removed remove_stale_files(const Plan& plan, base::FileSystem& file_system, unsigned jobs) {
  StaleFiles stale(plan);
  stale.look_into(plan.to);
  for (const auto& tablespace : plan.tablespaces) {
    stale.look_into_tablespace(tablespace.location / plan.version_directory);
  }
  return stale.remove(file_system, jobs);
}

}  // namespace backup_engine::restore

#include "backup_engine/store/posix_listing.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <system_error>

#include "backup_engine/base/error.hpp"

namespace backup_engine::store {

namespace fs = std::filesystem;

namespace {

// None when it is gone: others may remove folders, too.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) entries.push_back(*entry);
  const bool gone = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !gone) throw base::system_error(error.value(), "list", folder.string());
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code gone;
  return entry.is_directory(gone);
}

class Listing {
 public:
  Listing(const fs::path& root, Listed wanted) : root_(root), wanted_(wanted) {}

  // What is put later in order of name is looked at first, so that nothing is missing before it.
  void look_into(const fs::path& folder) {
    auto entries = entries_of(folder);
    std::ranges::sort(
        entries, std::ranges::greater(), [](const auto& entry) -> const auto& { return entry.path().native(); });
    for (const auto& entry : entries) {
      std::error_code gone;
      if (is_folder(entry) && !entry.is_symlink(gone)) look_into(entry.path());
    }
    take_objects_of(folder, std::move(entries));
  }
  [[nodiscard]] std::vector<ListedObject> take() {
    std::ranges::sort(found_, {}, &ListedObject::name);
    return std::move(found_);
  }

 private:
  // Parts of WAL that became a segment are gone when they are asked for their size, and the segment was not there yet
  // when the names were read; or came, in a long folder, where they had been read already. Reading once more shows it.
  void take_objects_of(const fs::path& folder, std::vector<fs::directory_entry> entries) {
    constexpr int most_looks = 100;
    std::set<std::string> seen;
    for (int look = 1; take_new(entries, seen) && look < most_looks; ++look) entries = entries_of(folder);
  }

  // Whether there were any.
  bool take_new(const std::vector<fs::directory_entry>& entries, std::set<std::string>& seen) {
    bool any = false;
    for (const auto& entry : entries) {
      const auto name = entry.path().filename().string();
      if (is_put_debris(name) != (wanted_ == Listed::debris) || is_folder(entry) || !seen.insert(name).second) continue;
      any = true;
      std::error_code gone;
      const auto size = entry.file_size(gone);
      if (!gone) found_.push_back({entry.path().lexically_relative(root_).generic_string(), size});
    }
    return any;
  }

  const fs::path& root_;
  const Listed wanted_;
  std::vector<ListedObject> found_;
};

}  // namespace

std::vector<ListedObject> list_folder(const fs::path& root, const fs::path& folder, Listed wanted) {
  Listing listing(root, wanted);
  listing.look_into(folder);
  return listing.take();
}

bool is_put_debris(std::string_view name) {
  if (name.size() != debris_head.size() + debris_digits + debris_tail.size() || !name.starts_with(debris_head) ||
      !name.ends_with(debris_tail)) {
    return false;
  }
  const auto digits = name.substr(debris_head.size(), debris_digits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace backup_engine::store

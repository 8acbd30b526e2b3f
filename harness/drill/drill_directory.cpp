#include "harness/drill/drill_directory.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw base::system_error(error.value(), "create the directory", path.string())
        .with_remedy("choose a place you may write to with --out");
  }
}

}  // namespace

fs::path DrillDirectory::claim(const fs::path& path) {
  make_directories(path.parent_path());
  constexpr int most_in_a_second = 1000;
  auto claimed = path;
  for (int number = 2; ::mkdir(claimed.c_str(), 0755) != 0; ++number) {
    if (errno != EEXIST || number > most_in_a_second) {
      throw base::system_error(errno, "create the drill directory", claimed.string());
    }
    claimed = fmt::format("{}-{}", path.string(), number);
  }
  return claimed;
}

DrillDirectory DrillDirectory::create(const fs::path& path) {
  make_directories(path.parent_path());
  std::error_code error;
  const bool claimed = fs::is_empty(path, error) && !error;
  if (!claimed && ::mkdir(path.c_str(), 0755) != 0) {
    throw base::system_error(errno, "create the drill directory", path.string());
  }
  DrillDirectory directory(path);
  make_directories(directory.marks());
  make_directories(path / "logs");
  return directory;
}

DrillDirectory DrillDirectory::open(const fs::path& path) {
  DrillDirectory directory(fs::absolute(path));
  std::error_code error;
  if (!fs::exists(path, error) && !error) {
    throw base::Error(base::ErrorKind::not_found, fmt::format("there is no directory {}", path.string()))
        .with_remedy("name the directory of one drill, as below drills/SCENARIO/");
  }
  if (!fs::exists(directory.plan())) {
    throw base::Error(base::ErrorKind::not_found,
                      fmt::format("{} is no drill directory: it holds no plan.json", path.string()))
        .with_remedy("name the directory of one drill, as below drills/SCENARIO/");
  }
  return directory;
}

fs::path DrillDirectory::scenario(std::string_view name) const {
  return path_ / fmt::format("{}.yaml", name);
}

fs::path DrillDirectory::mark(std::string_view name) const {
  return marks() / fmt::format("{}.json", name);
}

fs::path DrillDirectory::log(std::string_view name) const {
  return path_ / "logs" / fmt::format("{}.log", name);
}

void DrillDirectory::publish_as_latest() const {
  // A link made beside and renamed over: `latest` always points somewhere.
  const auto link = path_.parent_path() / "latest";
  const auto fresh = path_.parent_path() / fmt::format(".latest-{}", path_.filename().string());
  fs::remove(fresh);
  fs::create_symlink(path_.filename(), fresh);
  fs::rename(fresh, link);
}

}  // namespace harness::drill

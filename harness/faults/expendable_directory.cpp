#include "harness/faults/expendable_directory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace harness::faults {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

Error refusal(const fs::path& directory, const std::string& why) {
  return Error(ErrorKind::usage, fmt::format("the directory will not be destroyed: {}: {}", directory.string(), why))
      .with_remedy("a disaster only strikes what its own drill made, below the drill's work directory");
}

fs::path canonical_or_error(const fs::path& path) {
  std::error_code failed;
  auto canonical = fs::canonical(path, failed);
  if (failed) throw backup_engine::base::system_error(failed.value(), "find the directory", path.string());
  return canonical;
}

}  // namespace

ExpendableDirectory ExpendableDirectory::made_by_this_drill(const fs::path& directory, const fs::path& work_directory) {
  const auto work = canonical_or_error(work_directory);
  const auto inside =
      fs::absolute(directory).lexically_normal().lexically_relative(fs::absolute(work_directory).lexically_normal());
  const auto found = canonical_or_error(directory);
  if (inside.empty() || inside == "." || *inside.begin() == "..") {
    throw refusal(directory, fmt::format("it does not lie below {}", work.string()));
  }
  // With a link anywhere in between, the canonical path would differ from the work directory's plus the same names.
  if (found != work / inside)
    throw refusal(directory, fmt::format("it is reached through a link, and lies at {}", found.string()));
  if (!fs::is_directory(found)) throw refusal(directory, "it is no directory");
  return ExpendableDirectory(found);
}

}  // namespace harness::faults

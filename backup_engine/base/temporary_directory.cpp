#include "backup_engine/base/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"

namespace backup_engine::base {

TemporaryDirectory::TemporaryDirectory(const std::filesystem::path& parent, std::string_view prefix) {
  auto name = (parent / std::string(prefix)).string() + "-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw system_error(errno, "create a directory below", parent.string());
  path_ = name;
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::move(other.path_)), kept_(other.kept_) {
  other.kept_ = true;
}

TemporaryDirectory::~TemporaryDirectory() {
  if (kept_) return;
  (void)remove_tree(path_);
}

}  // namespace backup_engine::base

// The way into namespaces of one's own, prepared by the parent and gone by the child between fork and exec: a new root
// in memory onto which what the view names is bound, the old root dropped. All of it is gone with the last process in
// it, so there is nothing to clean up, whoever is killed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/process/isolated_view.hpp"

namespace harness::process {

class Enclosure {
 public:
  // Throws base::Error(not_found | io …) for a path that cannot be seen.
  explicit Enclosure(const IsolatedView& view);

  // Only system calls, since other threads may have held any lock when this process was forked. Needs CAP_SYS_ADMIN.
  // False: errno says why.
  [[nodiscard]] bool enter() noexcept;

 private:
  enum class Kind { readable, writable, fresh };
  struct Place {
    std::string source, relative;  // relative to the new root
    Kind kind = Kind::readable;
    bool is_directory = true;
    std::vector<std::string> parents;  // relative, outermost first
    int mount = -1;                    // of the source, taken before the new root hides it
  };
  void plan(const std::filesystem::path& path, Kind kind, std::map<std::filesystem::path, Place>& places);
  bool take_sources() noexcept;
  bool build() noexcept;

  std::vector<Place> places_;
};

}  // namespace harness::process

// What a process sees that is given namespaces of its own: no network but a loopback that is down, and of the file
// system these paths only, under their own names. Unix sockets are files, so nobody outside is left to talk to.
// See docs/servers.md, "Isolation".
#pragma once

#include <filesystem>
#include <vector>

namespace harness::process {

// Each path must exist and is seen with all below it. A symbolic link is followed, and seen under both its names.
// Where one lies below another, the longer path decides.
struct IsolatedView {
  std::vector<std::filesystem::path> readable;  // and no program of it gains privileges
  std::vector<std::filesystem::path> writable;  // as far as their modes let one
  std::vector<std::filesystem::path> fresh;     // empty instead, in memory, for everybody to write (mode 1777)
};

}  // namespace harness::process

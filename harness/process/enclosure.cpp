#include "harness/process/enclosure.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace harness::process {

namespace fs = std::filesystem;

namespace {

// Any directory that is always there: the new root is mounted on it in the new namespace only.
constexpr const char* building_site = "/tmp";

bool make_directory(const char* path) noexcept {
  return ::mkdir(path, 0755) == 0 || errno == EEXIST;
}

bool make_file(const char* path) noexcept {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return errno == EROFS && ::access(path, F_OK) == 0;
  return ::close(fd) == 0;
}

}  // namespace

Enclosure::Enclosure(const IsolatedView& view) {
  std::map<fs::path, Place> places;  // sorted: parents come before what lies below them
  for (const auto& path : view.fresh) plan(path, Kind::fresh, places);
  for (const auto& path : view.readable) plan(path, Kind::readable, places);
  for (const auto& path : view.writable) plan(path, Kind::writable, places);
  for (auto& [path, place] : places) places_.push_back(std::move(place));
}

void Enclosure::plan(const fs::path& path, Kind kind, std::map<fs::path, Place>& places) {
  const auto name = fs::absolute(path).lexically_normal();
  std::error_code unseen;
  const auto target = kind == Kind::fresh ? name : fs::canonical(name, unseen);
  if (unseen) throw backup_engine::base::system_error(unseen.value(), "show to an isolated process", name.string());
  for (const auto& seen_as : {name, target}) {
    Place place;
    place.source = target.string();
    place.kind = kind;
    place.is_directory = kind == Kind::fresh || fs::is_directory(target);
    place.relative = seen_as.relative_path().string();
    if (place.relative.ends_with('/')) place.relative.pop_back();
    fs::path parent;
    for (const auto& part : fs::path(place.relative).parent_path()) {
      parent /= part;
      place.parents.push_back(parent.string());
    }
    places[fs::path(place.relative)] = std::move(place);
  }
}

// Detached mounts of what will be seen: found by their names while the old root is still the root.
bool Enclosure::take_sources() noexcept {
  for (auto& place : places_) {
    if (place.kind == Kind::fresh) continue;
    place.mount = ::open_tree(AT_FDCWD, place.source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (place.mount < 0) return false;
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_NOSUID;
    if (place.kind == Kind::readable) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    if (::mount_setattr(place.mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)) != 0) {
      return false;
    }
  }
  return true;
}

// In the new root, which is the working directory.
bool Enclosure::build() noexcept {
  for (const auto& place : places_) {
    for (const auto& parent : place.parents) {
      if (!make_directory(parent.c_str())) return false;
    }
    const char* path = place.relative.c_str();
    if (!(place.is_directory ? make_directory(path) : make_file(path))) {
      if (place.kind == Kind::fresh && errno == EROFS) continue;  // gone meanwhile: there is nothing to hide
      return false;
    }
    if (place.kind == Kind::fresh) {
      if (::mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) return false;
      continue;
    }
    if (::move_mount(place.mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) return false;
    ::close(place.mount);
  }
  return true;
}

bool Enclosure::enter() noexcept {
  return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
         // What is mounted from here on must not appear outside.
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && take_sources() &&
         ::mount("tmpfs", building_site, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") == 0 &&
         ::chdir(building_site) == 0 && build() &&
         // The old root ends up below the new one, from where it is taken away with all that is mounted in it.
         ::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) == 0;
}

}  // namespace harness::process

// A file system of its own in a file, whose power can be cut for real: everything that was not synced is gone. Root
// only.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tests {

class LosableDisk {
 public:
  // Makes `image`, with a file system of this kind ("ext4", "xfs"), and mounts it at `mount_point`, which is made.
  LosableDisk(const std::string& kind, std::filesystem::path image, std::filesystem::path mount_point);
  ~LosableDisk();
  LosableDisk(const LosableDisk&) = delete;
  LosableDisk& operator=(const LosableDisk&) = delete;

  // The file system is shut down without writing its log: every later operation fails. `writers` and all their
  // descendants stand still meanwhile, outside of any system call: Linux tells an fdatasync() that a shutdown meets
  // half way of success, though what it was to sync is gone, which no lost power does.
  void cut_power(const std::vector<pid_t>& writers) const;
  // Mounts what is left, as after a start of the machine. Nobody may use it any more.
  void mount_again();

 private:
  void mount();
  void unmount() const;

  std::filesystem::path image_, mount_point_;
};

}  // namespace tests

// A file system in memory, small and of a fixed size, mounted where only those see it who are let in: it lives in a
// mount namespace of its own, so nothing is mounted outside, and it is gone with the last process and descriptor that
// holds it, whoever is killed. Whoever is not root, or is it without CAP_SYS_ADMIN, gets one in a user namespace, where
// the kernel lets him. See docs/servers.md, "A disk that can be filled".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::process {

class Volume {
 public:
  // Mounted on `mount_point`, an existing directory that goes on being seen as it is from outside. `owner`: who may use
  // it besides root; nullopt: the caller. Throws base::Error (permission | io … where the kernel does not allow it;
  // timed_out after half a minute).
  Volume(const std::filesystem::path& mount_point, std::uint64_t size_bytes, const std::optional<OsUser>& owner);

  // Its top, by a name that is good in this process only, and as long as this lives.
  [[nodiscard]] std::filesystem::path path() const;
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

  // Lets a child in between fork and exec, before it changes its user: system calls only. False: errno says why.
  [[nodiscard]] bool enter() const noexcept;

 private:
  std::uint64_t size_bytes_;
  backup_engine::base::UniqueFd users_, mounts_, top_;  // users_: none where root needed none
};

// Why this process can have no volume; empty when it can. Tried once a run; thread-safe.
[[nodiscard]] const std::string& why_no_volume();

}  // namespace harness::process

#include "tests/pg/wal/losable_disk.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;

namespace {

constexpr std::uintmax_t image_bytes = std::uintmax_t{512} << 20U;  // sparse; XFS wants 300 MB

// XFS_IOC_GOINGDOWN of xfs/xfs_fs.h, which ext4 took over as EXT4_IOC_SHUTDOWN.
constexpr unsigned long going_down = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t without_log_flush = 2;

void run(const fs::path& program, const std::vector<std::string>& arguments) {
  harness::process::Command command;
  command.program = program;
  command.arguments = arguments;
  const auto done = harness::process::run(command, base::Deadline::after(std::chrono::seconds(60)));
  if (!done.status.success()) throw std::runtime_error(program.string() + ": " + done.output);
}

}  // namespace

LosableDisk::LosableDisk(const std::string& kind, fs::path image, fs::path mount_point)
    : image_(std::move(image)), mount_point_(std::move(mount_point)) {
  { std::ofstream(image_).flush(); }
  fs::resize_file(image_, image_bytes);
  run("/usr/sbin/mkfs." + kind, {"-q", image_.string()});
  fs::create_directory(mount_point_);
  mount();
}

LosableDisk::~LosableDisk() {
  ::umount2(mount_point_.c_str(), MNT_DETACH);
}

void LosableDisk::cut_power() const {
  const base::UniqueFd fd(::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::ioctl(fd.get(), going_down, &without_log_flush) != 0) {
    throw base::system_error(errno, "cut the power of", mount_point_.string());
  }
}

void LosableDisk::mount_again() {
  unmount();
  mount();
}

void LosableDisk::mount() {
  run("/bin/mount", {"-o", "loop", image_.string(), mount_point_.string()});
}

void LosableDisk::unmount() const {
  // A process that was killed may be ending still.
  base::poll_until(base::Deadline::after(std::chrono::seconds(20)), "the file system to be free",
                   [&]() -> std::optional<std::string> {
                     if (::umount2(mount_point_.c_str(), 0) == 0) return std::nullopt;
                     return base::system_error(errno, "unmount", mount_point_.string()).what();
                   });
}

}  // namespace tests

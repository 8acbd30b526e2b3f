#include "tests/pg/wal/losable_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/process_tree.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;
using harness::server::ProcessTree;

namespace {

constexpr std::uintmax_t image_bytes = std::uintmax_t{512} << 20U;  // sparse; XFS wants 300 MB

// XFS_IOC_GOINGDOWN of xfs/xfs_fs.h, which ext4 took over as EXT4_IOC_SHUTDOWN.
constexpr unsigned long going_down = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t without_log_flush = 2;

void run(const fs::path& program, const std::vector<std::string>& arguments) {
  harness::process::Command command;
  command.program = program;
  command.arguments = arguments;
  const auto done = harness::process::run(command, base::Deadline::after(std::chrono::minutes(5)));
  if (!done.status.success()) throw std::runtime_error(program.string() + ": " + done.output);
}

// Stopped, or ended: "4711 (lifeboat) T …".
bool is_still(const fs::path& thread) {
  std::string stat;
  std::getline(std::ifstream(thread / "stat"), stat);
  const auto name_end = stat.rfind(") ");
  return name_end == std::string::npos || std::string_view("TZX").find(stat.at(name_end + 2)) != std::string_view::npos;
}

// A thread that is told to stop within a system call ends that first.
void wait_until_still(const ProcessTree& tree) {
  base::poll_until(base::Deadline::after(std::chrono::seconds(30)), "those who write to stand still",
                   [&]() -> std::optional<std::string> {
                     for (const auto pid : tree.pids()) {
                       std::error_code gone;
                       for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
                         if (!is_still(thread.path())) return thread.path().string();
                       }
                     }
                     return std::nullopt;
                   });
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

void LosableDisk::cut_power(const std::vector<pid_t>& writers) const {
  std::vector<ProcessTree> trees;
  for (const auto writer : writers) trees.push_back(ProcessTree::frozen(writer));
  for (const auto& tree : trees) wait_until_still(tree);
  const base::UniqueFd fd(::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::ioctl(fd.get(), going_down, &without_log_flush) != 0) {
    throw base::system_error(errno, "cut the power of", mount_point_.string());
  }
  for (const auto& tree : trees) tree.send(SIGCONT);
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

#include "harness/faults/fill_volume.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::faults {

using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

constexpr const char* filler_name = "lifeboat-fills-this-disk";
constexpr std::size_t filler_chunk_bytes = 1U << 20U;

}  // namespace

std::uint64_t fill_volume(const process::Volume& volume) {
  const auto file = volume.path() / filler_name;
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) throw system_error(errno, "open", file.string());
  const std::vector<char> bytes(filler_chunk_bytes, 'x');
  while (true) {
    // What does not fit whole is written as far as it fits; only when nothing does it fails.
    if (::write(fd.get(), bytes.data(), bytes.size()) >= 0 || errno == EINTR) continue;
    if (errno == ENOSPC) return std::filesystem::file_size(file);
    throw system_error(errno, "fill the disk with", file.string());
  }
}

}  // namespace harness::faults

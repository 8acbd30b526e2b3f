#include "harness/provision/system_identifier.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <random>
#include <span>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::provision {

using backup_engine::base::crc32c;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

constexpr std::size_t file_bytes = 8192;
constexpr std::size_t first_crc_offset = 200, last_crc_offset = 512;  // where sizeof(ControlFileData) can lie

// The CRC closes the struct, whose length differs by major: it stands where it is the CRC of all before it.
std::optional<std::size_t> find_crc(std::span<const std::byte> bytes) {
  for (auto offset = first_crc_offset; offset <= last_crc_offset; offset += sizeof(std::uint32_t)) {
    std::uint32_t stored = 0;
    std::memcpy(&stored, bytes.data() + offset, sizeof stored);
    if (stored == crc32c(bytes.first(offset))) return offset;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t fresh_system_identifier() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  return (seconds << 32U) | std::random_device{}();
}

void set_system_identifier(const std::filesystem::path& data_directory, std::uint64_t identifier) {
  const auto path = data_directory / "global" / "pg_control";
  const backup_engine::base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) throw backup_engine::base::system_error(errno, "open", path.string());
  std::array<std::byte, file_bytes> bytes{};
  const auto got = backup_engine::base::read_at(fd.get(), bytes, 0, path);
  const auto crc_offset = got == file_bytes ? find_crc(bytes) : std::nullopt;
  if (!crc_offset) throw Error(ErrorKind::corrupt, fmt::format("no CRC holds in {}", path.string()));
  std::memcpy(bytes.data(), &identifier, sizeof identifier);  // the struct's first field
  const auto crc = crc32c(std::span(bytes).first(*crc_offset));
  std::memcpy(bytes.data() + *crc_offset, &crc, sizeof crc);
  if (::pwrite(fd.get(), bytes.data(), file_bytes, 0) != static_cast<ssize_t>(file_bytes)) {
    throw backup_engine::base::system_error(errno, "write", path.string());
  }
}

}  // namespace harness::provision

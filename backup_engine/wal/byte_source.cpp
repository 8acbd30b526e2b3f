#include "backup_engine/wal/byte_source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

FileSource::FileSource(std::filesystem::path path) : path_(std::move(path)), fd_(base::open_for_reading(path_)) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) throw base::system_error(errno, "examine", path_.string());
  size_bytes_ = static_cast<std::uint64_t>(info.st_size);
}

std::span<const std::byte> FileSource::piece(std::uint64_t offset_bytes, std::size_t size_bytes) {
  if (buffer_.size() < size_bytes) buffer_.resize(size_bytes);
  const auto piece = std::span(buffer_).first(size_bytes);
  if (base::read_at(fd_.get(), piece, offset_bytes, path_) == size_bytes) return piece;
  throw base::Error(base::ErrorKind::corrupt, fmt::format("{} was cut off while it was read", path_.string()))
      .with_remedy("it is in use, or damaged; nothing of it was kept");
}

}  // namespace backup_engine::wal

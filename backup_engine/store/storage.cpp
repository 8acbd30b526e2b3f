#include "backup_engine/store/storage.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::store {

std::vector<std::byte> Storage::read(const std::string& name) {
  const auto object = open(name);
  std::vector<std::byte> bytes(object->size_bytes());
  bytes.resize(object->read_at(0, bytes));
  return bytes;
}

std::string Storage::read_text(const std::string& name) {
  const auto object = open(name);
  std::string text(object->size_bytes(), '\0');
  text.resize(object->read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

std::vector<std::byte> Storage::read_range(const std::string& name, std::uint64_t offset_bytes,
                                           std::size_t size_bytes) {
  std::vector<std::byte> bytes(size_bytes);
  if (open(name)->read_at(offset_bytes, bytes) != size_bytes) {
    throw base::Error(base::ErrorKind::corrupt,
                      fmt::format("{}: ends before byte {}", name, offset_bytes + size_bytes));
  }
  return bytes;
}

void Storage::put(const std::string& name, std::span<const std::byte> bytes, Durability durability) {
  const auto stream = begin_put(name);
  stream->write(bytes);
  stream->commit(durability);
}

void Storage::put(const std::string& name, std::string_view text, Durability durability) {
  put(name, std::as_bytes(std::span(text)), durability);
}

}  // namespace backup_engine::store

#include "harness/faults/change_file.hpp"

#include <fmt/format.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::faults {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

void change_file(const std::filesystem::path& path) {
  const auto text = backup_engine::base::read_file(path);
  if (text.empty())
    throw Error(ErrorKind::usage, fmt::format("{} is empty: there is no byte to change", path.string()));
  const auto middle = text.size() / 2;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(middle));
  file.put(static_cast<char>(~text[middle]));
  file.close();
  if (!file) throw Error(ErrorKind::io, fmt::format("cannot write {}", path.string()));
}

}  // namespace harness::faults

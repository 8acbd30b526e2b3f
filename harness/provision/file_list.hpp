// The list of what a template holds, so that a broken or half-made one is recognised when it is copied.
//
// Text, one entry a line, parents before children: "d MODE PATH" for a directory, "f MODE SIZE HASH PATH" for a file
// (mode octal, size decimal, XXH3-64 of the content in hexadecimal), and "end COUNT" as the last line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/process/subprocess.hpp"

namespace harness::provision {

struct FileEntry {
  bool directory = false;
  unsigned mode = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t hash = 0;
  std::string path;  // relative
};

// Of the tree below `root`. Files only as far as `wanted` says so. Throws base::Error for links and other kinds.
[[nodiscard]] std::vector<FileEntry> list_files(const std::filesystem::path& root,
                                                bool (*wanted)(const std::string& path));
[[nodiscard]] std::string to_text(const std::vector<FileEntry>& list);
[[nodiscard]] std::optional<std::vector<FileEntry>> parse_file_list(const std::string& text);  // nullopt: not whole

// Makes `to` and everything listed from `from` in it, given to `owner`. Throws Error(corrupt) when a file is not what
// the list says and Error(not_found) when it is missing; `to` is then half-made. Nothing is synced.
void copy_files(const std::vector<FileEntry>& list, const std::filesystem::path& from, const std::filesystem::path& to,
                const std::optional<process::OsUser>& owner);

}  // namespace harness::provision

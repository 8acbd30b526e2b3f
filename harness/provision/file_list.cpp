#include "harness/provision/file_list.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <sstream>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"

namespace harness::provision {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::read_file;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

std::uint64_t hash_of(const std::string& content) {
  return XXH3_64bits(content.data(), content.size());
}

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw system_error(errno, "look at", path.string());
  return info.st_mode & 07777U;
}

void give(int fd, const fs::path& path, unsigned mode, const std::optional<process::OsUser>& owner) {
  if (owner && ::geteuid() == 0 && ::fchown(fd, owner->uid, owner->gid) != 0) {
    throw system_error(errno, fmt::format("give to {}", owner->name), path.string());
  }
  if (::fchmod(fd, mode) != 0) throw system_error(errno, "set the mode of", path.string());
}

void make_directory(const fs::path& path, unsigned mode, const std::optional<process::OsUser>& owner) {
  if (::mkdir(path.c_str(), 0700) != 0) throw system_error(errno, "create the directory", path.string());
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "open the directory", path.string());
  give(fd.get(), path, mode, owner);
}

void copy_file(const FileEntry& entry, const fs::path& from, const fs::path& to,
               const std::optional<process::OsUser>& owner) {
  const auto content = read_file(from);
  if (content.size() != entry.size_bytes || hash_of(content) != entry.hash) {
    throw Error(ErrorKind::corrupt, fmt::format("{} is not what was put there", from.string()));
  }
  const UniqueFd fd(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) throw system_error(errno, "create", to.string());
  backup_engine::base::write_all(fd.get(), std::as_bytes(std::span(content)), to);
  give(fd.get(), to, entry.mode, owner);
}

}  // namespace

std::vector<FileEntry> list_files(const fs::path& root, bool (*wanted)(const std::string& path)) {
  std::vector<FileEntry> list;
  for (const auto& found : fs::recursive_directory_iterator(root)) {
    FileEntry entry;
    entry.path = found.path().lexically_relative(root).string();
    entry.mode = mode_of(found.path());
    entry.directory = found.symlink_status().type() == fs::file_type::directory;
    if (!entry.directory) {
      if (!wanted(entry.path)) continue;
      if (found.symlink_status().type() != fs::file_type::regular) {
        throw Error(ErrorKind::unsupported, fmt::format("{} is neither a file nor a directory", found.path().string()));
      }
      const auto content = read_file(found.path());
      entry.size_bytes = content.size();
      entry.hash = hash_of(content);
    }
    list.push_back(std::move(entry));
  }
  // A parent's path is the beginning of its children's.
  std::sort(list.begin(), list.end(), [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return list;
}

std::string to_text(const std::vector<FileEntry>& list) {
  std::string text;
  for (const auto& entry : list) {
    text += entry.directory
                ? fmt::format("d {:o} {}\n", entry.mode, entry.path)
                : fmt::format("f {:o} {} {:016x} {}\n", entry.mode, entry.size_bytes, entry.hash, entry.path);
  }
  return text + fmt::format("end {}\n", list.size());
}

std::optional<std::vector<FileEntry>> parse_file_list(const std::string& text) {
  std::vector<FileEntry> list;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "end") {
      std::size_t count = 0;
      return words >> count && count == list.size() ? std::optional(list) : std::nullopt;
    }
    FileEntry entry;
    entry.directory = kind == "d";
    words >> std::oct >> entry.mode >> std::dec;
    if (!entry.directory) words >> entry.size_bytes >> std::hex >> entry.hash;
    words >> entry.path;
    if (words.fail() || (kind != "d" && kind != "f")) return std::nullopt;
    list.push_back(std::move(entry));
  }
  return std::nullopt;
}

void copy_files(const std::vector<FileEntry>& list, const fs::path& from, const fs::path& to,
                const std::optional<process::OsUser>& owner) {
  make_directory(to, 0700, owner);
  std::vector<const FileEntry*> files;
  for (const auto& entry : list) {
    if (entry.directory) {
      make_directory(to / entry.path, entry.mode, owner);
    } else {
      files.push_back(&entry);
    }
  }
  const auto jobs = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  backup_engine::base::for_each_in_parallel(jobs, files.size(), [&](std::size_t item) {
    copy_file(*files[item], from / files[item]->path, to / files[item]->path, owner);
  });
}

}  // namespace harness::provision

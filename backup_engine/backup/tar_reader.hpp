// A tar archive as it comes over a connection: fed in pieces of any size, told to a TarSink entry by entry, never held.
// Reads ustar with PostgreSQL's and GNU's numbers, GNU's and pax's long names (POSIX.1-2017, "pax Interchange Format";
// GNU tar manual, "Basic Tar Format").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace backup_engine::backup {

enum class TarKind { file, directory, symlink };

struct TarEntry {
  TarKind kind = TarKind::file;
  std::string path;         // without "./" before it or "/" after it
  std::string link_target;  // of a symlink
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t uid = 0, gid = 0;
  std::int64_t modified_seconds = 0;  // since 1970 UTC
};

class TarSink {
 public:
  virtual ~TarSink() = default;
  virtual void begin(const TarEntry& entry) = 0;
  virtual void data(std::span<const std::byte> bytes) = 0;  // files only, size_bytes in all
  virtual void end() = 0;                                   // after each begin()
};

class TarReader {
 public:
  explicit TarReader(TarSink& sink) : sink_(sink) {}
  // Throws Error(corrupt) for what is no tar archive, Error(unsupported) for an entry of another kind (a hard link, a
  // device), and what the sink throws.
  void feed(std::span<const std::byte> bytes);
  // The archive is over. Throws Error(corrupt) when an entry is not.
  void finish() const;

 private:
  static constexpr std::size_t block_bytes = 512;
  enum class Part { header, file, long_name, padding };

  void read_header();
  void begin_entry(char type, TarEntry entry);
  void end_part();
  void take_extended_header();

  TarSink& sink_;
  Part part_ = Part::header;
  std::array<std::byte, block_bytes> header_{};
  std::size_t header_filled_ = 0;
  std::uint64_t left_bytes_ = 0;     // of the file, long name or padding being read
  std::uint64_t padding_bytes_ = 0;  // after it
  bool ended_ = false;               // a block of zeros was seen

  char long_name_type_ = 0;  // L and K: GNU's; x and g: pax's
  std::string long_text_;
  std::optional<std::string> next_path_, next_link_;  // what a long name said of the next entry
  std::optional<std::uint64_t> next_size_bytes_;
};

}  // namespace backup_engine::backup

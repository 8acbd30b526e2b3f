// Reading and writing that leave nothing behind in the page cache (RWF_DONTCACHE): what was in it before stays, what
// only this call brings in goes again. So a backup does not push out what the server beside it works with, and goes on
// using the same few pages of memory. Where the kernel or the file system cannot, these are pread and pwrite.
// Who uses it for what: docs/adr/0008-long-files-pass-by-the-page-cache.md.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace backup_engine::base {

// As pread and pwrite: less than all may be done; -1 with errno set on failure. Reads should begin and end on multiples
// of 2 MiB: what the kernel read ahead in one piece goes when its first part was taken, and is read again for the rest.
// A write begins to go to the disk at once, of which nothing is promised.
[[nodiscard]] ssize_t read_uncached(int fd, std::span<std::byte> buffer, std::uint64_t offset_bytes);
[[nodiscard]] ssize_t write_uncached(int fd, std::span<const std::byte> bytes, std::uint64_t offset_bytes);

// Whether a kernel of that release ("6.18.44-cloud") does this soundly: from 6.16 on.
[[nodiscard]] bool has_sound_uncached_io(std::string_view kernel_release);

}  // namespace backup_engine::base

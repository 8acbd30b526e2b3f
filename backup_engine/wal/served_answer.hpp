// What is said on the socket of a WalServer: one request and its answer a connection. Defined in docs/formats/wal.md,
// "Serving".
//
//   request   "lifeboat-wal 1 NAME\n", at most 256 bytes
//   answer    frames: a kind (1 byte), a length (4 bytes, little-endian, at most 1 MB), and as many bytes
//               d   bytes of the file, in order      e   that was all of it
//               n   the file is not there            f   it cannot be given: what is wrong, and on a second line what
//                                                        to do, if that is known
//
// Only an answer that ends with e or n is one: whatever else ends it, all of it has failed.
#pragma once

#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace backup_engine::wal {

enum class FrameKind : char { bytes = 'd', end = 'e', not_there = 'n', failed = 'f' };

struct FrameHead {
  FrameKind kind = FrameKind::failed;
  std::uint32_t length_bytes = 0;
};

constexpr std::size_t frame_head_bytes = 5, most_request_bytes = 256;
constexpr std::uint32_t most_frame_bytes = 1U << 20U;

[[nodiscard]] std::array<std::byte, frame_head_bytes> encode(FrameHead head);
// nullopt for what no server says.
[[nodiscard]] std::optional<FrameHead> decode(std::span<const std::byte, frame_head_bytes> bytes);

[[nodiscard]] std::string request_for(std::string_view file_name);
// The name, of a request without its line's end; nullopt when it is none.
[[nodiscard]] std::optional<std::string> parse_request(std::string_view line);

// Throws Error(usage) for a path that is too long for a socket.
[[nodiscard]] sockaddr_un socket_address(const std::filesystem::path& path);

}  // namespace backup_engine::wal

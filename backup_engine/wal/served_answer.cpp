#include "backup_engine/wal/served_answer.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

namespace {

constexpr std::string_view greeting = "lifeboat-wal 1 ";

}  // namespace

std::array<std::byte, frame_head_bytes> encode(FrameHead head) {
  std::array<std::byte, frame_head_bytes> bytes{};
  bytes[0] = static_cast<std::byte>(head.kind);
  for (unsigned i = 0; i < 4; ++i) bytes[i + 1] = static_cast<std::byte>(head.length_bytes >> (8U * i));
  return bytes;
}

std::optional<FrameHead> decode(std::span<const std::byte, frame_head_bytes> bytes) {
  FrameHead head;
  for (unsigned i = 0; i < 4; ++i) head.length_bytes |= std::to_integer<std::uint32_t>(bytes[i + 1]) << (8U * i);
  head.kind = static_cast<FrameKind>(bytes[0]);
  switch (head.kind) {
    case FrameKind::bytes:
    case FrameKind::failed:
      if (head.length_bytes <= most_frame_bytes) return head;
      break;
    case FrameKind::end:
    case FrameKind::not_there:
      if (head.length_bytes == 0) return head;
      break;
  }
  return std::nullopt;
}

std::string request_for(std::string_view file_name) {
  return fmt::format("{}{}\n", greeting, file_name);
}

std::optional<std::string> parse_request(std::string_view line) {
  if (!line.starts_with(greeting) || line.size() == greeting.size()) return std::nullopt;
  return std::string(line.substr(greeting.size()));
}

sockaddr_un socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  const auto text = path.string();
  if (text.empty() || text.size() >= sizeof(address.sun_path)) {
    throw base::Error(base::ErrorKind::usage,
                      fmt::format("'{}' cannot be the path of a socket: it has {} bytes", text, text.size()))
        .with_remedy(fmt::format("choose one of 1 to {} bytes", sizeof(address.sun_path) - 1));
  }
  address.sun_family = AF_UNIX;
  text.copy(address.sun_path, text.size());
  return address;
}

}  // namespace backup_engine::wal

#include "backup_engine/wal/asker.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::chrono::seconds for_a_request{10};
constexpr std::chrono::minutes for_a_slow_disk{5};  // the asker writes what it gets

}  // namespace

bool is_ready(int fd, short events, int ending, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto left = std::chrono::milliseconds(-1);
    if (patience.count() >= 0) {
      const auto rest = deadline - std::chrono::steady_clock::now();
      left = std::max(std::chrono::ceil<std::chrono::milliseconds>(rest), std::chrono::milliseconds(0));
    }
    pollfd watched[] = {{ending, POLLIN, 0}, {fd, events, 0}};
    const int ready = ::poll(watched, 2, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    return ready > 0 && watched[0].revents == 0;
  }
}

uid_t Asker::user() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    throw base::system_error(errno, "ask who connected to", "the socket that serves WAL");
  }
  return peer.uid;
}

std::string Asker::request() {
  std::string text;
  while (text.find('\n') == std::string::npos) {
    if (text.size() >= most_request_bytes) throw Error(ErrorKind::usage, "this is no request for WAL");
    char piece[most_request_bytes];
    const auto got = ::recv(connection_.get(), piece, sizeof piece - text.size(), 0);
    if (got == 0) leave("ended before it had asked");
    if (got > 0) {
      text.append(piece, static_cast<std::size_t>(got));
    } else if (errno == EAGAIN) {
      if (!is_ready(connection_.get(), POLLIN, ending_, for_a_request)) leave("asked for nothing");
    } else if (errno != EINTR) {
      leave("hung up");
    }
  }
  const auto name = parse_request(std::string_view(text).substr(0, text.find('\n')));
  if (!name) throw Error(ErrorKind::usage, "this is no request for WAL, or one of another version of Lifeboat");
  return *name;
}

void Asker::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), most_frame_bytes));
    frame(FrameKind::bytes, piece);
    bytes = bytes.subspan(piece.size());
  }
}

void Asker::end(FrameKind kind, std::string_view text) {
  frame(kind, std::as_bytes(std::span(text.substr(0, most_frame_bytes))));
}

void Asker::frame(FrameKind kind, std::span<const std::byte> bytes) {
  send_all(encode({kind, static_cast<std::uint32_t>(bytes.size())}));
  send_all(bytes);
}

void Asker::send_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!is_ready(connection_.get(), POLLOUT, ending_, for_a_slow_disk)) leave("takes nothing more");
    } else if (errno != EINTR) {
      leave("hung up");
    }
  }
}

void Asker::leave(std::string_view why) {
  gone_ = true;
  throw Error(ErrorKind::connection, std::string("who asked for WAL ") + std::string(why));
}

}  // namespace backup_engine::wal

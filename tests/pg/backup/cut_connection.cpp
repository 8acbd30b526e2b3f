#include "tests/pg/backup/cut_connection.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "backup_engine/base/error.hpp"

namespace backup_engine {

namespace fs = std::filesystem;

namespace {

constexpr int look_again_ms = 20;

sockaddr_un address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(path.string().size(), sizeof(address.sun_path));
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

base::UniqueFd new_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool send_all(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto sent = ::send(to, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

// The only socket in a server's directory.
fs::path socket_in(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_socket()) return entry.path();
  }
  ADD_FAILURE() << "no socket in " << directory;
  return {};
}

}  // namespace

CutConnection::CutConnection(const fs::path& server_directory, fs::path directory, std::uint64_t bytes, Then then)
    : directory_(std::move(directory)), server_socket_(socket_in(server_directory)), bytes_(bytes), then_(then) {
  fs::create_directory(directory_);
  listening_ = new_socket();
  const auto address = address_of(directory_ / server_socket_.filename());
  EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
      << std::strerror(errno);
  EXPECT_EQ(::listen(listening_.get(), 8), 0);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

CutConnection::~CutConnection() {
  close();
  fs::remove_all(directory_);
}

void CutConnection::close() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void CutConnection::wait_until_reached(const base::Deadline& deadline) const {
  base::poll_until(deadline, "the connection to fall silent", [&]() -> std::optional<std::string> {
    if (reached_) return std::nullopt;
    return "it goes on";
  });
}

void CutConnection::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{listening_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, look_again_ms) <= 0) continue;
    const int client = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    connections_.emplace_back([this, client, stop] { forward(client, stop); });
  }
  connections_.clear();  // joins
}

void CutConnection::forward(int client, const std::stop_token& stop) {
  const base::UniqueFd its_end(client);
  const auto to_server = new_socket();
  const int server = to_server.get();
  const auto address = address_of(server_socket_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
  std::array<char, 16384> buffer{};
  auto left = bytes_;
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> both = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (left == 0) both[1].fd = -1;
    if (::poll(both.data(), both.size(), look_again_ms) <= 0) continue;
    if (both[0].revents != 0) {
      const auto got = ::recv(client, buffer.data(), buffer.size(), 0);
      if (got <= 0 || !send_all(server, buffer.data(), static_cast<std::size_t>(got))) return;
    }
    if (both[1].revents != 0) {
      const auto got = ::recv(server, buffer.data(), std::min<std::uint64_t>(buffer.size(), left), 0);
      if (got <= 0 || !send_all(client, buffer.data(), static_cast<std::size_t>(got))) return;
      left -= static_cast<std::uint64_t>(got);
      if (left > 0) continue;
      reached_ = true;
      if (then_ == Then::close) return;
    }
  }
}

}  // namespace backup_engine

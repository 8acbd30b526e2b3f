#include "tests/pg/quarantine/counting_listener.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace harness {

using backup_engine::base::UniqueFd;

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<in_port_t>(port));
  return address;
}

UniqueFd stream_socket() {
  return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool bound(int fd, int port) {
  const auto address = loopback(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

CountingListener::CountingListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (!bound(fd_.get(), 0) || ::listen(fd_.get(), 64) != 0 ||
      ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) {
    constexpr int look_up_ms = 50;
    while (!stop.stop_requested()) {
      pollfd waited{fd_.get(), POLLIN, 0};
      if (::poll(&waited, 1, look_up_ms) == 1) hang_up_on_whoever_waits();
    }
  });
}

void CountingListener::hang_up_on_whoever_waits() {
  const std::lock_guard lock(mutex_);
  for (;; ++count_) {
    const UniqueFd caller(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!caller.valid()) return;
  }
}

int CountingListener::count() {
  hang_up_on_whoever_waits();
  const std::lock_guard lock(mutex_);
  return count_;
}

void CountingListener::forget() {
  hang_up_on_whoever_waits();
  const std::lock_guard lock(mutex_);
  count_ = 0;
}

int free_port() {
  constexpr int lowest = 20000, range = 10000;  // below the ports that the kernel hands out
  for (int tried = 0; tried < range; ++tried) {
    const int port = lowest + (static_cast<int>(::getpid()) + tried) % range;
    if (bound(stream_socket().get(), port)) return port;
  }
  throw std::runtime_error("no port is free");
}

bool somebody_listens(int port) {
  const auto socket = stream_socket();
  const auto address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace harness

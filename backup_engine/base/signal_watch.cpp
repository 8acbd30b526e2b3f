#include "backup_engine/base/signal_watch.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

SignalWatch::SignalWatch() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC));
  wake_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!signals_.valid() || !wake_.valid()) throw system_error(errno, "watch for", "SIGINT and SIGTERM");
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  const eventfd_t one = 1;
  ::eventfd_write(wake_.get(), one);
  thread_.join();
}

void SignalWatch::watch() {
  std::array<pollfd, 2> wanted{pollfd{signals_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  for (;;) {
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    if (wanted[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    int none = 0;
    received_.compare_exchange_strong(none, static_cast<int>(info.ssi_signo));
    source_.request_stop();
  }
}

}  // namespace backup_engine::base

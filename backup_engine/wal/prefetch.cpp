#include "backup_engine/wal/prefetch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace backup_engine::wal {

namespace {

constexpr std::uint64_t most_spool_bytes = std::uint64_t{256} << 20U;
constexpr std::uint64_t spools_that_must_fit = 4;

// Whoever waits for the end of what PostgreSQL's log is written to must not wait for us. All but `kept` go.
bool let_go_of_descriptors(unsigned kept) {
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) return false;
  for (int fd = 0; fd <= 2; ++fd) {
    if (::dup2(null, fd) < 0) return false;
  }
  const bool below = kept <= 3 || ::syscall(SYS_close_range, 3U, kept - 1, 0U) == 0;
  return below && ::syscall(SYS_close_range, kept + 1, ~0U, 0U) == 0;
}

// False when it cannot be watched, as when it is of another pid namespace.
bool end_with_session_leader() {
  const auto leader = static_cast<int>(::syscall(SYS_pidfd_open, ::getsid(0), 0));
  if (leader < 0) return false;
  std::thread([leader] {
    pollfd ended{leader, POLLIN, 0};
    if (::poll(&ended, 1, -1) > 0) ::_exit(0);
  }).detach();
  return true;
}

// In a container PostgreSQL may be process 1 and so the parent of whoever lost his own: a child that ends with a signal
// is to it a crashed server process, for which it stops all others.
void end_cleanly_when_told() {
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) {
    (void)::signal(signal, [](int) { ::_exit(0); });
  }
}

[[noreturn]] void work_and_end(const std::function<void()>& work, const base::UniqueFd& lock) noexcept {
  try {
    end_cleanly_when_told();
    if (let_go_of_descriptors(static_cast<unsigned>(lock.get())) && end_with_session_leader()) work();
  } catch (const std::exception&) {
    // Fetching it directly says what is wrong.
  }
  ::_exit(0);
}

}  // namespace

unsigned spool_limit(unsigned wanted, postgres::SegmentSize size, const std::filesystem::path& beside) {
  const auto count = std::min<std::uint64_t>(wanted, most_spool_bytes / size.bytes());
  try {
    if (base::free_space_bytes(beside) < spools_that_must_fit * count * size.bytes()) return 0;
  } catch (const base::Error&) {
    return 0;
  }
  return static_cast<unsigned>(count);
}

void prefetch(const WalArchive& archive, const Spool& spool, const postgres::WalSegment& last, unsigned count) {
  auto next = last;
  for (unsigned i = 0; i < count; ++i) {
    ++next.number;
    const auto name = file_name(next, archive.segment_size());
    if (spool.holds(name)) continue;
    if (!archive.has_segment(next)) return;
    spool.put(name, [&](const Spool::Write& write) { (void)archive.copy_segment(next, write); });
  }
}

void start_behind(const Spool& spool, const std::function<void()>& work) {
  const auto lock = spool.lock();  // the child's too, and held for as long as it lives
  if (lock && ::fork() == 0) work_and_end(work, *lock);
}

}  // namespace backup_engine::wal

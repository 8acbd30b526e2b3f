// The one thread that forks. A parent-death signal fires when the *thread* that forked ends, not the process, so
// whoever forks must live as long as Lifeboat does.
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "harness/process/launch.hpp"

namespace harness::process {

namespace {

class SpawningThread {
 public:
  SpawningThread() {
    // Signals are for the threads that wait for them; this one must not run a handler between fork and exec either.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { serve(); }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  pid_t launch_there(const Command& command) {
    std::packaged_task<pid_t()> task([&command] { return launch(command); });
    auto pid = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    woken_.notify_one();
    return pid.get();
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      woken_.wait(lock, [this] { return !tasks_.empty(); });
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<std::packaged_task<pid_t()>> tasks_;
};

}  // namespace

pid_t launch_on_spawning_thread(const Command& command) {
  // Never destroyed: the thread ends with the process, and so do the children that are still there.
  static auto& thread = *new SpawningThread;
  return thread.launch_there(command);
}

}  // namespace harness::process

// A child that is forked and executes no other program: for what only another process can do, as living in somebody
// else's namespaces. It and its parent exchange numbers, and it never outlives its owner.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::process {

class ForkedChild {
 public:
  // What the child has of its parent. System calls only.
  class Parent {
   public:
    [[nodiscard]] bool tell(int number) const noexcept;
    // Until the parent says go_on(); false: it is gone.
    [[nodiscard]] bool waits_for_word() const noexcept;

   private:
    friend class ForkedChild;
    explicit Parent(int line) : line_(line) {}
    int line_;
  };

  // `work` runs in the child, between fork and _exit: system calls only, since other threads may have held any lock.
  // Of the descriptors only `needed` and the standard ones are open to it: it would keep others' pipes open otherwise.
  // `what` it is, in the words of an error: "the child that makes a volume".
  ForkedChild(std::string what, const std::vector<int>& needed, const std::function<void(const Parent&)>& work);
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;
  ~ForkedChild();  // SIGKILL when it still runs, then reaps (10 s at most)

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The next number that the child tells. Throws base::Error (timed_out; process: it ended without).
  [[nodiscard]] int answer(const backup_engine::base::Deadline& deadline) const;
  void go_on() const noexcept;

 private:
  std::string what_;
  backup_engine::base::UniqueFd line_;
  pid_t pid_ = -1;
};

}  // namespace harness::process

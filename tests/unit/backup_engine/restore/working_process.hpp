// A process that works in a directory, as a server does in its data directory, until this goes.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace backup_engine::restore {

class WorkingProcess {
 public:
  // name: what the kernel calls it; empty: as this program. It works there once this is made.
  explicit WorkingProcess(const std::filesystem::path& directory, const std::string& name = "") {
    int ready[2] = {-1, -1};
    EXPECT_EQ(::pipe(ready), 0);
    id_ = ::fork();
    if (id_ == 0) {
      if (::chdir(directory.c_str()) != 0) ::_exit(1);
      if (!name.empty() && ::prctl(PR_SET_NAME, name.c_str()) != 0) ::_exit(1);
      static_cast<void>(::write(ready[1], "x", 1));
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~WorkingProcess() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  WorkingProcess(const WorkingProcess&) = delete;
  WorkingProcess& operator=(const WorkingProcess&) = delete;
  [[nodiscard]] pid_t id() const { return id_; }

 private:
  pid_t id_ = 0;
};

}  // namespace backup_engine::restore

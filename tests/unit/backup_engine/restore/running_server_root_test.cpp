// A server in a container, to which its data directory has another path. Root only: it mounts that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/restore/running_server.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;

// A process called postgres that works in `directory`, which in its own mounts is at `inside`; until this goes.
class Container {
 public:
  Container(const fs::path& directory, const fs::path& inside) {
    int ready[2] = {-1, -1};
    EXPECT_EQ(::pipe(ready), 0);
    id_ = ::fork();
    if (id_ == 0) {
      const bool works = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount(directory.c_str(), inside.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                         ::chdir(inside.c_str()) == 0 && ::prctl(PR_SET_NAME, "postgres") == 0;
      static_cast<void>(::write(ready[1], works ? "y" : "n", 1));
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y') << "the directory was not mounted";
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Container() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  [[nodiscard]] std::string id() const { return std::to_string(id_); }

 private:
  pid_t id_ = 0;
};

TEST(FindServerOf, SeesAServerInAContainerToWhichTheDirectoryHasAnotherPath) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-test");
  const auto data = directory.path() / "data", inside = directory.path() / "inside";
  fs::create_directory(data);
  fs::create_directory(inside);
  {
    const Container server(data, inside);
    EXPECT_THAT(find_server_of(data).value_or("none"), testing::HasSubstr("process " + server.id()));
    EXPECT_EQ(find_server_of(inside), std::nullopt) << "outside of it nothing is mounted there";
  }
  EXPECT_EQ(find_server_of(data), std::nullopt);
}

}  // namespace
}  // namespace backup_engine::restore

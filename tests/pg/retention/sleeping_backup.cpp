// A host that falls asleep in the middle of a backup: `sleeping_backup REPOSITORY CONNINFO PGDATA` takes one of cluster
// "main", stops itself (SIGSTOP) once while it copies, and goes on when somebody wakes it (SIGCONT). Exits with 0 when
// the backup was published, with 7 when the repository said that something is gone, else with 1.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "backup_engine/backup.hpp"
#include "backup_engine/base/error.hpp"

namespace {

class FallsAsleep final : public backup_engine::base::Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t bytes) override {
    copied_ += bytes;
    if (copied_ > 1'000'000 && !slept_.exchange(true)) ::kill(::getpid(), SIGSTOP);
  }
  void end() override {}

 private:
  std::atomic<std::uint64_t> copied_ = 0;
  std::atomic<bool> slept_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  backup_engine::BackupRequest request;
  request.repository.text = argv[1];
  request.cluster = "main";
  request.conninfo = argv[2];
  request.pgdata = argv[3];
  FallsAsleep progress;
  try {
    (void)backup_engine::take_backup(request, progress);
    return 0;
  } catch (const backup_engine::base::Error& error) {
    std::fprintf(stderr, "%s\n", describe(error).c_str());
    return error.kind() == backup_engine::base::ErrorKind::process ? 7 : 1;
  }
}

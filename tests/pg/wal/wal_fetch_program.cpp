// fetch_wal as a restore_command: REPOSITORY CLUSTER %f %p. Exit 1 is "not there"; anything worse dies by a signal.
#include <csignal>
#include <cstdio>
#include <exception>

#include "backup_engine/wal.hpp"

int main(int count, char** arguments) {
  try {
    if (count != 5) return 127;
    const auto outcome = backup_engine::fetch_wal({{arguments[1]}, arguments[2], arguments[3], arguments[4]});
    return outcome == backup_engine::WalFetchOutcome::fetched ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::raise(SIGKILL);
    return 127;
  }
}

// The restore_command of restored test servers: `wal_fetch_command wal fetch --repo R --cluster C FILE PATH`, the
// engine's fetch_wal without the rest of lifeboat.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 8 || words[0] != "wal" || words[1] != "fetch" || words[2] != "--repo" ||
      words[4] != "--cluster") {
    std::fputs("not called as a restore_command\n", stderr);
    return 200;
  }
  try {
    const auto outcome = backup_engine::fetch_wal({{words[3]}, words[5], words[6], words[7]});
    return outcome == backup_engine::WalFetchOutcome::fetched ? 0 : 1;
  } catch (const backup_engine::base::Error& error) {
    std::fputs(describe(error).c_str(), stderr);
    std::raise(SIGKILL);
  }
}

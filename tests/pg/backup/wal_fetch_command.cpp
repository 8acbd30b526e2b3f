// The restore_command of restored test servers: `wal_fetch_command wal fetch --repo R --cluster C FILE PATH`, or with
// --socket S instead of both, the engine's fetch_wal without the rest of lifeboat.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool fetches = words.size() > 2 && words[0] == "wal" && words[1] == "fetch";
  const bool from_repository = fetches && words.size() == 8 && words[2] == "--repo" && words[4] == "--cluster";
  const bool from_socket = fetches && words.size() == 6 && words[2] == "--socket";
  if (!from_repository && !from_socket) {
    std::fputs("not called as a restore_command\n", stderr);
    return 200;
  }
  backup_engine::WalFetchRequest request;
  if (from_repository) request.repository.text = words[3];
  if (from_repository) request.cluster = words[5];
  if (from_socket) request.socket = words[3];
  request.file_name = words[words.size() - 2];
  request.to = words.back();
  try {
    return backup_engine::fetch_wal(request) == backup_engine::WalFetchOutcome::fetched ? 0 : 1;
  } catch (const backup_engine::base::Error& error) {
    std::fputs(describe(error).c_str(), stderr);
    std::raise(SIGKILL);
  }
}

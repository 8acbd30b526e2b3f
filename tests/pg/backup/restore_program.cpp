// A restore in a process of its own, for a test to kill: `restore_program REPOSITORY DIRECTORY WAL_FETCH_COMMAND
// [delta | in-place IDENTIFIER]`.
#include <cstdio>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/restore.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) return 200;
  backup_engine::RestoreRequest request;
  request.repository = {words[0]};
  request.cluster = "main";
  request.to = words[1];
  request.lifeboat = words[2];
  request.jobs = 2;
  if (words.size() > 3) request.existing = backup_engine::ExistingFiles::compare;
  if (words.size() > 4) {
    request.existing = backup_engine::ExistingFiles::set_aside;
    request.confirmed_system_identifier = std::stoull(words[4]);
    request.target.kind = backup_engine::TargetKind::immediate;
  }
  backup_engine::base::NoProgress progress;
  try {
    return backup_engine::restore_backup(request, progress).continued ? 10 : 0;
  } catch (const backup_engine::base::Error& error) {
    std::fputs(describe(error).c_str(), stderr);
    return 1;
  }
}

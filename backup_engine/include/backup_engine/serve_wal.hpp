// WAL for a recovering server whose user may not read the repository, or its key: Lifeboat, which may, reads it and
// hands it over through a Unix socket. The server's restore_command is `lifeboat-wal-fetch --socket SOCKET %f %p`.
// Defined in docs/formats/wal.md, "Serving".
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "backup_engine/repository.hpp"

namespace backup_engine {

struct WalServeRequest {
  RepositoryLocation repository;
  std::string cluster;
  // Is made here, and removed again; at most 107 bytes. Its directory is there, and no place where others may write.
  std::filesystem::path socket;
  uid_t asker = 0;  // the one user who is answered, as the kernel says who asks
  // How many further segments are read meanwhile, into memory: 64 MB at most.
  unsigned prefetch = 8;
};

// Gives what fetch_wal would, in threads of its own. Whatever goes wrong there is told to whoever asked, whose fetch
// then fails.
class WalServer {
 public:
  // Answers from when this returns. Throws Error as opening the repository and the cluster does, and what making the
  // socket does (usage: its path is too long).
  explicit WalServer(WalServeRequest request);
  WalServer(const WalServer&) = delete;
  WalServer& operator=(const WalServer&) = delete;
  ~WalServer();  // waits for what is being read at the moment; whoever is being answered is left with half an answer

 private:
  class Serving;
  std::unique_ptr<Serving> serving_;
};

}  // namespace backup_engine

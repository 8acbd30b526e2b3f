// Witness WAL: what the source wrote, taken by PostgreSQL's own pg_receivewal through a slot of its own, and after a
// kill completed from the source's pg_wal. The engine has no part in it, so that its WAL can be judged by it.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/server.hpp"

namespace harness::server {

struct WalWitnessOptions {
  std::filesystem::path directory;  // absent or empty; made, mode 0700
  std::filesystem::path log_file;   // pg_receivewal's words, appended
  std::string slot = "lifeboat_witness";
};

class WalWitness {
 public:
  // Makes the slot and starts streaming from the server, which must be ready; returns once it streams. Throws
  // base::Error (process, with the log tail, when pg_receivewal ends; timed_out; interrupted).
  [[nodiscard]] static WalWitness start(const Server& source, const WalWitnessOptions& options,
                                        const backup_engine::base::Deadline& deadline,
                                        const std::stop_token& stop = {});

  [[nodiscard]] bool running() { return !receiver_.poll(); }
  // Ends it in good order; it has ended by itself when the server was killed, which is no error. Throws
  // Error(timed_out).
  void stop(const backup_engine::base::Deadline& deadline);
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // After a failover: what the witness of the server before it holds, completed, becomes part of this one's directory;
  // the other's is removed. Throws base::Error.
  void take_over(const std::filesystem::path& earlier) const;

 private:
  WalWitness(process::Subprocess receiver, std::filesystem::path directory)
      : receiver_(std::move(receiver)), directory_(std::move(directory)) {}
  process::Subprocess receiver_;
  std::filesystem::path directory_;
};

// After a kill and before the loss: takes over what the source's pg_wal holds beyond the witness's whole segments, so
// that `directory` is one sequence of full-named segments that pg_waldump reads. Segments that PostgreSQL only recycled
// for later use (their first page carries another address) stay out; a .partial that pg_wal has no more gets its full
// name. Returns the segments' names in order. The witness must have stopped. Throws base::Error.
std::vector<std::string> complete_witness(const std::filesystem::path& directory, const std::filesystem::path& pg_wal);

}  // namespace harness::server

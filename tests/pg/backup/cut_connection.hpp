// A server's Unix socket at another place, each of whose connections breaks, or falls silent, after so many bytes from
// the server. The network's failures, without a network.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <thread>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"

namespace backup_engine {

class CutConnection {
 public:
  enum class Then { close, say_nothing };

  // `directory` is made, and removed at the end.
  CutConnection(const std::filesystem::path& server_directory, std::filesystem::path directory, std::uint64_t bytes,
                Then then = Then::close);
  ~CutConnection();
  CutConnection(const CutConnection&) = delete;
  CutConnection& operator=(const CutConnection&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  void wait_until_reached(const base::Deadline& deadline) const;
  void close();  // whatever is still open

 private:
  void serve(const std::stop_token& stop);
  void forward(int client, const std::stop_token& stop);

  const std::filesystem::path directory_, server_socket_;
  const std::uint64_t bytes_;
  const Then then_;
  std::atomic<bool> reached_ = false;
  base::UniqueFd listening_;
  std::vector<std::jthread> connections_;  // the listening thread's
  std::jthread thread_;
};

}  // namespace backup_engine

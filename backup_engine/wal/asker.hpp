// One who connected to a WalServer: who it is, what it asks for, and the frames of its answer. It is waited for, but
// never for long, and never longer than the server is to serve.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>

#include "backup_engine/base/file.hpp"
#include "backup_engine/wal/served_answer.hpp"

namespace backup_engine::wal {

// Until `fd` is ready for `events`. False when `ending` became readable, or that did not come within `patience`;
// negative: for ever.
[[nodiscard]] bool is_ready(int fd, short events, int ending, std::chrono::milliseconds patience);

class Asker {
 public:
  // `connection` does not block.
  Asker(base::UniqueFd connection, int ending) : connection_(std::move(connection)), ending_(ending) {}

  [[nodiscard]] uid_t user() const;  // of the process that connected. Throws Error.
  // The file's name. Throws Error: usage for what is no request, connection when none comes.
  [[nodiscard]] std::string request();
  // Throws Error(connection) when it hung up or takes nothing more; from then on it is gone.
  void send(std::span<const std::byte> bytes);
  void end(FrameKind kind, std::string_view text = {});
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  void frame(FrameKind kind, std::span<const std::byte> bytes);
  void send_all(std::span<const std::byte> bytes);
  [[noreturn]] void leave(std::string_view why);

  base::UniqueFd connection_;
  int ending_;
  bool gone_ = false;
};

}  // namespace backup_engine::wal

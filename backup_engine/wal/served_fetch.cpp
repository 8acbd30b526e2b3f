#include "backup_engine/wal/served_fetch.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/wal/served_answer.hpp"
#include "backup_engine/wal/whole_file.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;

namespace {

class Question {
 public:
  Question(const std::filesystem::path& socket, const std::string& file_name)
      : path_(socket), connection_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = socket_address(path_);
    const auto* const where = reinterpret_cast<const sockaddr*>(&address);
    if (!connection_.valid() || ::connect(connection_.get(), where, sizeof address) != 0) {
      throw base::system_error(errno, "reach the Lifeboat that serves WAL", path_.string())
          .with_remedy("it served one recovery, and has ended: set restore_command to fetch from the repository");
    }
    const auto text = request_for(file_name);
    // One that will not listen may have said why: that is to be read.
    (void)::send(connection_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  template <typename Write>
  WalFetchOutcome answer(const Write& write) {
    for (bool any = false;; any = true) {
      const auto head = next_head();
      switch (head.kind) {
        case FrameKind::bytes:
          copy(head.length_bytes, write);
          continue;
        case FrameKind::end:
          return WalFetchOutcome::fetched;
        case FrameKind::not_there:
          if (any) throw broken("says that a file is not there of which it has given a part");
          return WalFetchOutcome::not_there;
        case FrameKind::failed:
          throw failure(text(head.length_bytes));
      }
    }
  }

 private:
  [[nodiscard]] Error broken(std::string_view how) const {
    return Error(ErrorKind::connection, fmt::format("the Lifeboat that serves WAL at {} {}", path_.string(), how));
  }

  static Error failure(const std::string& text) {
    const auto end = std::min(text.find('\n'), text.size());
    Error error(ErrorKind::io, text.substr(0, end));
    if (end < text.size()) error.with_remedy(text.substr(end + 1));
    return error;
  }

  FrameHead next_head() {
    std::array<std::byte, frame_head_bytes> bytes{};
    receive(bytes);
    const auto head = decode(bytes);
    if (!head) throw broken("gave an answer that is none");
    return *head;
  }

  template <typename Write>
  void copy(std::uint32_t length_bytes, const Write& write) {
    piece_.resize(length_bytes);
    receive(piece_);
    write(std::span<const std::byte>(piece_));
  }

  std::string text(std::uint32_t length_bytes) {
    std::string text(length_bytes, '\0');
    receive(std::as_writable_bytes(std::span(text)));
    return text;
  }

  void receive(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const auto got = ::recv(connection_.get(), bytes.data(), bytes.size(), MSG_WAITALL);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw broken("broke its answer off");
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
  }

  std::filesystem::path path_;
  base::UniqueFd connection_;
  std::vector<std::byte> piece_;
};

}  // namespace

WalFetchOutcome fetch_served(const std::filesystem::path& socket, const std::string& file_name,
                             const std::filesystem::path& to) {
  Question question(socket, file_name);
  return write_whole(to, [&](const auto& write) { return question.answer(write); });
}

}  // namespace backup_engine::wal

#include "backup_engine/serve_wal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/asked_file.hpp"
#include "backup_engine/wal/asker.hpp"
#include "backup_engine/wal/segments_ahead.hpp"

namespace backup_engine {

namespace {

constexpr std::uint64_t most_bytes_ahead = std::uint64_t{64} << 20U;
constexpr std::chrono::milliseconds until_descriptors_are_free{50};

unsigned count_ahead(unsigned wanted, postgres::SegmentSize size) {
  return static_cast<unsigned>(std::min<std::uint64_t>(wanted, most_bytes_ahead / size.bytes()));
}

class Listener {
 public:
  // Whoever reaches it may connect; whether it is answered is decided by who it is.
  explicit Listener(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto address = wal::socket_address(path);
    if (!fd_.valid() || ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw base::system_error(errno, "make the socket", path.string());
    }
    path_ = path;
    if (::chmod(path.c_str(), 0666) != 0 || ::listen(fd_.get(), SOMAXCONN) != 0) {
      const int reason = errno;
      remove();
      throw base::system_error(reason, "listen at", path.string());
    }
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { remove(); }

  [[nodiscard]] int get() const { return fd_.get(); }

 private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  base::UniqueFd fd_;
  std::filesystem::path path_;
};

std::string words_of(const base::Error& error) {
  return error.remedy().empty() ? error.what() : fmt::format("{}\n{}", error.what(), error.remedy());
}

}  // namespace

class WalServer::Serving {
 public:
  explicit Serving(WalServeRequest request)
      : request_(std::move(request)),
        size_(open().archive.segment_size()),
        ending_(::eventfd(0, EFD_CLOEXEC)),
        listener_(request_.socket),
        ahead_(count_ahead(request_.prefetch, size_),
               [this](const auto& segment) { return open().archive.read_segment(segment); }) {
    if (!ending_.valid()) throw base::system_error(errno, "make an eventfd for", request_.socket.string());
    thread_ = std::thread([this] { serve(); });
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    (void)::eventfd_write(ending_.get(), 1);
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Anew for each file, as every fetch_wal does: storage that is no longer mounted is then seen.
  [[nodiscard]] wal::OpenArchive open() const { return wal::open_archive(request_.repository, request_.cluster); }

  void serve() noexcept {
    while (wal::is_ready(listener_.get(), POLLIN, ending_.get(), std::chrono::milliseconds(-1))) {
      base::UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection.valid()) {
        wal::Asker asker(std::move(connection), ending_.get());
        answer(asker);
      } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        (void)wal::is_ready(-1, 0, ending_.get(), until_descriptors_are_free);
      }
    }
  }

  void answer(wal::Asker& asker) noexcept {
    try {
      try {
        const auto outcome = give(asker);
        asker.end(outcome == WalFetchOutcome::fetched ? wal::FrameKind::end : wal::FrameKind::not_there);
      } catch (const base::Error& error) {
        if (!asker.gone()) asker.end(wal::FrameKind::failed, words_of(error));
      } catch (const std::exception& error) {
        if (!asker.gone()) asker.end(wal::FrameKind::failed, error.what());
      }
    } catch (const std::exception&) {
      return;  // it has gone: whoever asks next is answered
    }
  }

  WalFetchOutcome give(wal::Asker& asker) {
    if (const auto user = asker.user(); user != request_.asker) {
      throw base::Error(base::ErrorKind::permission, fmt::format("the user {} is not served WAL here", user));
    }
    const auto name = asker.request();
    const auto segment = postgres::parse_segment_name(name, size_);
    if (auto ready = segment ? ahead_.take(*segment) : std::nullopt) {
      ahead_.go_on_behind(*segment);
      asker.send(*ready);
      return WalFetchOutcome::fetched;
    }
    const auto opened = open();
    const auto outcome = wal::copy_asked(opened.archive, request_.cluster, name, wal::AskedBy::recovery,
                                         [&](auto bytes) { asker.send(bytes); });
    if (segment && outcome == WalFetchOutcome::fetched) {
      ahead_.go_on_behind(*segment);
    } else {
      ahead_.clear();  // the end of WAL, or the search for a timeline: nothing is wanted ahead
    }
    return outcome;
  }

  const WalServeRequest request_;
  const postgres::SegmentSize size_;
  const base::UniqueFd ending_;
  const Listener listener_;
  wal::SegmentsAhead ahead_;
  std::thread thread_;
};

WalServer::WalServer(WalServeRequest request) : serving_(std::make_unique<Serving>(std::move(request))) {}
WalServer::~WalServer() = default;

}  // namespace backup_engine

#include "backup_engine/wal/stream.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto status_interval = std::chrono::seconds(10);  // as wal_receiver_status_interval
constexpr auto ask_after = std::chrono::seconds(40);        // beyond a walsender's own keepalive (half of 60 s)
constexpr auto give_up_after = std::chrono::seconds(80);
constexpr auto longest_pause = std::chrono::seconds(1);

class Stream {
 public:
  Stream(postgres::ReplicationConnection& connection, WalWriter& writer,
         const std::function<void(postgres::Lsn)>& on_durable, base::RateLimit& rate, std::stop_token stop)
      : connection_(connection),
        writer_(writer),
        on_durable_(on_durable),
        rate_(rate),
        stop_(std::move(stop)),
        wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (!wake_.valid()) throw base::system_error(errno, "make", "an event descriptor");
  }

  StreamResult run() {
    const std::stop_callback wake_up(stop_, [fd = wake_.get()] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
    });
    report();  // a synchronous commit may be waiting for what was made durable before this connection
    for (;;) {
      const bool ended = drain();
      make_durable();
      if (ended) return finish();
      if (reply_due_ || Clock::now() - last_report_ >= status_interval) report();
      if (stop_.stop_requested()) return {StreamEnd::stopped, std::nullopt};
      require_life();
      if (held_back_ > Clock::duration::zero()) {
        hold_back();
      } else {
        connection_.wait(std::chrono::duration_cast<std::chrono::milliseconds>(status_interval), wake_.get());
      }
    }
  }

 private:
  // Takes what has arrived; true when the stream has ended. A server that is faster than this is stopped at each full
  // segment, so that it is acknowledged in time; and where it is held back.
  bool drain() {
    while (held_back_ == Clock::duration::zero()) {
      const auto message = take();
      if (!message) break;
      last_heard_ = Clock::now();
      if (std::holds_alternative<postgres::EndOfStream>(*message)) return true;
      if (const auto* keepalive = std::get_if<postgres::Keepalive>(&*message)) reply_due_ |= keepalive->reply_requested;
      if (const auto* data = std::get_if<postgres::WalData>(&*message)) take_in(*data);
      if (writer_.due()) make_durable();
    }
    return false;
  }

  void take_in(const postgres::WalData& data) {
    writer_.append(data.start, data.bytes);
    held_back_ = rate_.take(data.bytes.size(), last_heard_);
  }

  // Takes nothing for a while, in which the server waits; statuses go out meanwhile, so not for too long.
  void hold_back() {
    const auto pause =
        std::chrono::ceil<std::chrono::milliseconds>(std::min<Clock::duration>(held_back_, longest_pause));
    pollfd woken{wake_.get(), POLLIN, 0};
    (void)::poll(&woken, 1, static_cast<int>(pause.count()));
    held_back_ = std::max(Clock::duration::zero(), held_back_ - pause);
    last_heard_ = Clock::now();
  }

  std::optional<postgres::StreamMessage> take() {
    try {
      return connection_.take();
    } catch (const Error&) {
      writer_.sync();  // what came before the loss is good, and need not be sent again
      throw;
    }
  }

  void make_durable() {
    if (!writer_.pending()) return;
    writer_.sync();
    report();
    if (on_durable_) on_durable_(writer_.durable());
  }

  void report(bool ask = false) {
    const auto durable = writer_.durable();
    connection_.send({.written = durable, .flushed = durable, .applied = postgres::Lsn(), .reply_requested = ask});
    last_report_ = Clock::now();
    reply_due_ = false;
  }

  // A peer that vanished without a word (a cut cable) is found by its silence.
  void require_life() {
    const auto silence = Clock::now() - last_heard_;
    if (silence >= give_up_after) {
      throw Error(ErrorKind::connection, fmt::format("the server has been silent for {} s", give_up_after.count()));
    }
    if (silence >= ask_after) report(true);
  }

  StreamResult finish() {
    const auto next = connection_.end_streaming();
    if (!next) return {StreamEnd::server_left, std::nullopt};
    if (next->switch_lsn != writer_.durable()) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("timeline {} ended at {} on the server, but its stream at {}",
                              writer_.timeline().number(), to_string(next->switch_lsn), to_string(writer_.durable())));
    }
    return {StreamEnd::next_timeline, next};
  }

  postgres::ReplicationConnection& connection_;
  WalWriter& writer_;
  const std::function<void(postgres::Lsn)>& on_durable_;
  base::RateLimit& rate_;
  Clock::duration held_back_{};
  std::stop_token stop_;
  base::UniqueFd wake_;
  bool reply_due_ = false;
  Clock::time_point last_report_ = Clock::now(), last_heard_ = Clock::now();
};

}  // namespace

StreamResult stream_wal(postgres::ReplicationConnection& connection, WalWriter& writer,
                        const std::function<void(postgres::Lsn)>& on_durable, base::RateLimit& rate,
                        const std::stop_token& stop) {
  return Stream(connection, writer, on_durable, rate, stop).run();
}

}  // namespace backup_engine::wal

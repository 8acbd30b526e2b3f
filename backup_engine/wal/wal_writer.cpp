#include "backup_engine/wal/wal_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;

namespace {

constexpr std::size_t most_pending_bytes = 16 * 1024 * 1024;

}  // namespace

WalWriter::WalWriter(WalArchive& archive, StreamPosition start, Settle settle)
    : archive_(archive), settle_(std::move(settle)), timeline_(start.timeline), durable_(start.at) {}

void WalWriter::append(Lsn start, std::span<const std::byte> bytes) {
  if (start != received()) {
    throw Error(ErrorKind::corrupt,
                fmt::format("the stream of WAL is not continuous: {} was expected on timeline {}, {} came",
                            to_string(received()), timeline_.number(), to_string(start)))
        .with_remedy("nothing of it was kept; start the receiver again, it goes on from what is durable");
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

bool WalWriter::due() const {
  return received() >= segment_end() || pending_.size() - synced_bytes_ >= most_pending_bytes;
}

void WalWriter::sync() {
  while (synced_bytes_ < pending_.size()) {
    const auto count = std::min<std::size_t>(pending_.size() - synced_bytes_, segment_end() - durable_);
    sync_within_segment(std::span(pending_).subspan(synced_bytes_, count));
  }
  pending_.clear();
  synced_bytes_ = 0;
}

void WalWriter::sync_within_segment(std::span<const std::byte> bytes) {
  const auto segment = segment_holding(timeline_, durable_, archive_.segment_size());
  const bool whole_segment = bytes.size() == archive_.segment_size().bytes();
  const bool fills_segment = durable_ + bytes.size() == segment_end();
  if (whole_segment) {
    archive_.put_segment(segment, bytes);
  } else {
    archive_.put_part(timeline_, durable_, bytes);
  }
  durable_ = durable_ + bytes.size();
  synced_bytes_ += bytes.size();

  // Only now: whatever settling throws, these bytes are durable.
  parts_put_ = whole_segment ? 0 : parts_put_ + 1;
  if (whole_segment || (!fills_segment && parts_put_ < most_parts)) return;
  parts_put_ = 0;
  settle_({fills_segment ? SettleTask::Kind::close : SettleTask::Kind::merge, segment});
}

void WalWriter::move_to(StreamPosition position) {
  if (pending()) throw Error(ErrorKind::internal, "a WAL writer was moved while something was pending");
  timeline_ = position.timeline;
  durable_ = position.at;
  parts_put_ = 0;
}

Lsn WalWriter::segment_end() const {
  const auto size = archive_.segment_size();
  return start_of(segment_holding(timeline_, durable_, size), size) + size.bytes();
}

}  // namespace backup_engine::wal

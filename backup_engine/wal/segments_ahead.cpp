#include "backup_engine/wal/segments_ahead.hpp"

#include <exception>
#include <utility>

namespace backup_engine::wal {

using postgres::WalSegment;

SegmentsAhead::SegmentsAhead(unsigned count, Read read)
    : count_(count), read_(std::move(read)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

SegmentsAhead::~SegmentsAhead() {
  thread_.request_stop();
  thread_.join();
}

std::optional<SegmentsAhead::Bytes> SegmentsAhead::take(const WalSegment& segment) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return reading_ != segment; });
  const auto found = ready_.find(segment);
  if (found == ready_.end()) return std::nullopt;
  auto bytes = std::move(found->second);
  ready_.erase(found);
  return bytes;
}

void SegmentsAhead::go_on_behind(const WalSegment& last) {
  const std::lock_guard lock(mutex_);
  last_ = last;
  ended_ = false;
  std::erase_if(ready_, [&](const auto& held) { return !is_wanted(held.first); });
  changed_.notify_all();
}

void SegmentsAhead::clear() {
  const std::lock_guard lock(mutex_);
  last_.reset();
  ready_.clear();
}

bool SegmentsAhead::is_wanted(const WalSegment& segment) const {
  return last_ && segment.timeline == last_->timeline && segment.number > last_->number &&
         segment.number <= last_->number + count_;
}

std::optional<WalSegment> SegmentsAhead::next() const {
  if (!last_ || ended_) return std::nullopt;
  auto segment = *last_;
  do {
    ++segment.number;
  } while (ready_.contains(segment));
  return is_wanted(segment) ? std::optional(segment) : std::nullopt;
}

void SegmentsAhead::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return next().has_value(); })) {
    const auto segment = *next();
    reading_ = segment;
    lock.unlock();
    std::optional<Bytes> bytes;
    try {
      bytes = read_(segment);
    } catch (const std::exception&) {
      bytes.reset();
    }
    lock.lock();
    reading_.reset();
    if (is_wanted(segment)) {
      ended_ = !bytes;
      if (bytes) ready_.emplace(segment, std::move(*bytes));
    }
    changed_.notify_all();
  }
}

}  // namespace backup_engine::wal

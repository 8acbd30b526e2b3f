#include "backup_engine/wal/settle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/join.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;

namespace {

// Without those that lie inside another: what an interrupted merge left behind.
std::vector<WalPart> outermost(const std::vector<WalPart>& parts) {
  std::vector<WalPart> kept;
  for (const auto& part : parts) {
    if (!kept.empty() && part.to <= kept.back().to) continue;
    if (!kept.empty() && part.from == kept.back().from) kept.pop_back();
    kept.push_back(part);
  }
  return kept;
}

std::vector<std::byte> join(const WalArchive& archive, const std::vector<WalPart>& parts, postgres::Lsn from) {
  return join_parts(parts, from, [&](const std::string& object) { return archive.read_part(object); });
}

void remove_all(WalArchive& archive, const std::vector<WalPart>& parts) {
  for (const auto& part : parts) archive.remove(part.object);
}

// Each by itself: an interrupted removal, or another receiver, may have left any of them.
void require_same_as_whole(const WalArchive& archive, const std::vector<WalPart>& parts,
                           std::span<const std::byte> whole, postgres::Lsn start) {
  for (const auto& part : parts) {
    if (std::ranges::equal(archive.read_part(part.object), whole.subspan(part.from - start, part.to - part.from)))
      continue;
    throw Error(ErrorKind::mismatch, fmt::format("{} holds other WAL than the whole segment beside it", part.object))
        .with_remedy(
            "two servers that went different ways write into one cluster name: find out which one it belongs to");
  }
}

void close_segment(WalArchive& archive, const postgres::WalSegment& segment) {
  const auto parts = archive.parts_of(segment);
  if (parts.empty()) return;
  const auto start = start_of(segment, archive.segment_size());
  if (const auto whole = archive.read_segment(segment)) {
    require_same_as_whole(archive, parts, *whole, start);
    archive.confirm(segment.timeline, start + archive.segment_size().bytes());  // the parts go for its sake
  } else {
    const auto bytes = join(archive, parts, start);
    if (bytes.size() < archive.segment_size().bytes()) return;
    archive.put_segment(segment, bytes);
  }
  remove_all(archive, parts);
}

void merge_parts(WalArchive& archive, const postgres::WalSegment& segment) {
  auto parts = archive.parts_of(segment);
  const auto few = outermost(parts);
  const auto count = choose_merge(few);
  if (count == 0) return;
  const auto from = few[few.size() - count].from, to = few.back().to;
  std::erase_if(parts, [&](const WalPart& part) { return part.from < from || part.to > to; });
  const auto bytes = join(archive, parts, from);
  archive.put_part(segment.timeline, from, bytes);
  std::erase_if(parts, [&](const WalPart& part) { return part.from == from && part.to == to; });
  remove_all(archive, parts);
  if (archive.has_segment(segment)) close_segment(archive, segment);  // by another, who did not see the merged part
}

void settle_once(WalArchive& archive, const SettleTask& task) {
  switch (task.kind) {
    case SettleTask::Kind::merge:
      return merge_parts(archive, task.segment);
    case SettleTask::Kind::close:
      return close_segment(archive, task.segment);
  }
}

}  // namespace

std::size_t choose_merge(std::span<const WalPart> parts) {
  if (parts.size() <= most_parts) return 0;
  std::size_t count = 1;
  auto bytes = parts.back().to - parts.back().from;
  while (count < parts.size()) {
    const auto& before = parts[parts.size() - count - 1];
    const auto before_bytes = before.to - before.from;
    if (before_bytes > bytes && count >= most_parts / 2) break;
    bytes += before_bytes;
    ++count;
  }
  return count;
}

void settle(WalArchive& archive, const SettleTask& task) {
  for (Looks looks;;) {
    try {
      return settle_once(archive, task);
    } catch (const Error& error) {
      if (!looks.again(error)) throw;
    }
  }
}

Settler::Settler(WalArchive& archive) : archive_(archive), thread_([this] { run(); }) {}

Settler::~Settler() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  thread_.join();
}

void Settler::add(const SettleTask& task) {
  constexpr std::size_t most_waiting = 4;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.size() < most_waiting || failure_; });
  rethrow_failure();
  waiting_.push_back(task);
  changed_.notify_all();
}

void Settler::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (waiting_.empty() && !busy_) || failure_; });
  rethrow_failure();
}

void Settler::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || (!waiting_.empty() && !failure_); });
    if (ending_) return;
    const auto task = waiting_.front();
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      settle(archive_, task);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    busy_ = false;
    failure_ = failure;
    changed_.notify_all();
  }
}

void Settler::rethrow_failure() {
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace backup_engine::wal

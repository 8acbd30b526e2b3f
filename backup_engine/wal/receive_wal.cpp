#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/overlap.hpp"
#include "backup_engine/wal/receiver_lock.hpp"
#include "backup_engine/wal/settle.hpp"
#include "backup_engine/wal/start_position.hpp"
#include "backup_engine/wal/stream.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal/wal_writer.hpp"

namespace backup_engine {

using base::Deadline;
using base::Error;
using base::ErrorKind;
using postgres::ReplicationConnection;
using postgres::TimelineId;
using wal::StreamPosition;

namespace {

constexpr std::string_view object_in_use = "55006", undefined_object = "42704";

// Grows from one failed attempt to the next, so that a server that is gone is not hammered.
class BackOff {
 public:
  void reset() { pause_ = shortest; }
  // Throws Error(interrupted).
  void wait(const std::stop_token& stop) {
    const auto until = Deadline::after(pause_);
    base::poll_until(
        Deadline::never(), "the next attempt to reach the server",
        [&] { return until.expired() ? std::nullopt : std::optional<std::string>("too early"); }, stop);
    pause_ = std::min(pause_ * 2, longest);
  }

 private:
  static constexpr auto shortest = std::chrono::milliseconds(10), longest = std::chrono::milliseconds(2000);
  std::chrono::milliseconds pause_ = shortest;
};

class Receiver {
 public:
  Receiver(const WalReceiveRequest& request, store::Storage& storage, std::stop_token stop)
      : request_(request),
        storage_(storage),
        stop_(std::move(stop)),
        name_(request.standby_name.empty() ? request.slot : request.standby_name) {}

  void run() {
    try {
      while (!serve_once()) back_off_.wait(stop_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::interrupted || !stop_.stop_requested()) throw;
    }
    if (settler_) settler_->finish();
  }

 private:
  // True when it is done, false when to connect again.
  bool serve_once() {
    try {
      ReplicationConnection connection(request_.conninfo, name_);
      if (request_.slot_action == SlotAction::drop) {
        tell(connection.drop_slot(request_.slot) ? "slot dropped" : "there was no such slot");
        return true;
      }
      return serve(connection);
    } catch (const Error& error) {
      if (!worth_another_attempt(error)) throw;
      tell(error.what());
      return false;
    }
  }

  [[nodiscard]] bool worth_another_attempt(const Error& error) const {
    // The walsender of a receiver that just died holds the slot until it notices.
    if (error.sqlstate() == object_in_use) return has_streamed_ || !first_attempts_.expired();
    if (postgres::wal_loss(error) == postgres::WalLoss::being_removed) return true;
    return error.kind() == ErrorKind::connection && has_streamed_;
  }

  bool serve(ReplicationConnection& connection) {
    const auto server = connection.identify_system();
    open_archive(connection, server);
    const auto slot = require_slot(connection);
    const auto history = history_of(connection, server.timeline);
    const auto held = archive_->ranges();
    const wal::StartFacts facts{held, server, history.switches, slot, archive_->segment_size()};
    auto position = choose_start(facts);
    if (go_on_at_) {
      position = *std::exchange(go_on_at_, std::nullopt);
    } else if (const auto common = common_end(facts)) {
      const auto flushed = require_not_ahead(connection, *common);
      if (!require_same_history(connection, facts, *common, position, flushed)) return false;
    }
    // Not of a server that was refused: recoveries to the latest timeline would follow it.
    keep_histories(connection, server.timeline, history);
    archive_->confirm(position.timeline, position.at);
    wal::WalWriter writer(*archive_, position, [this](const wal::SettleTask& task) { settler_->add(task); });
    try {
      return follow(connection, writer);
    } catch (const Error& error) {
      if (error.sqlstate() == undefined_object) throw slot_missing();  // dropped since it was looked for
      if (postgres::wal_loss(error) != postgres::WalLoss::removed) throw;
      pass_over_gap({writer.timeline(), writer.durable()}, facts, error.what());
      return false;
    }
  }

  // From one timeline to the next, until the stream ends for another reason.
  bool follow(ReplicationConnection& connection, wal::WalWriter& writer) {
    for (;;) {
      connection.start_streaming(request_.slot, writer.durable(), writer.timeline());
      tell(fmt::format("streaming from {} on timeline {}", to_string(writer.durable()), writer.timeline().number()));
      if (!std::exchange(has_streamed_, true) && request_.on_streaming) request_.on_streaming();
      back_off_.reset();
      const auto result = stream_wal(connection, writer, request_.on_durable, rate_, stop_);
      if (result.end == wal::StreamEnd::stopped) return true;
      if (result.end == wal::StreamEnd::server_left) {
        tell("the server ended the stream");
        return false;
      }
      keep_histories(connection, result.next->timeline, history_of(connection, result.next->timeline));
      const auto size = archive_->segment_size();
      const auto at = start_of(segment_holding(result.next->timeline, result.next->switch_lsn, size), size);
      writer.move_to({result.next->timeline, at});
    }
  }

  void open_archive(ReplicationConnection& connection, const postgres::SystemIdentity& server) {
    const store::ClusterIdentity identity{server.system_identifier, connection.server_version().major(),
                                          connection.segment_size(), connection.data_checksums()};
    if (!postgres::supported(identity.postgres_major)) {
      throw Error(ErrorKind::unsupported, fmt::format("PostgreSQL {} is not supported", identity.postgres_major))
          .with_remedy("Lifeboat knows PostgreSQL 15 to 18");
    }
    store::open_or_create_cluster(storage_, request_.cluster, identity);
    if (archive_) return;
    const auto directory = std::filesystem::path(storage_.location()) / store::cluster_prefix(request_.cluster);
    if (std::filesystem::is_directory(directory)) lock_.emplace(directory, request_.cluster);
    archive_.emplace(storage_, request_.cluster, identity.wal_segment_size, request_.compression);
    settler_.emplace(*archive_);
    for (const auto& segment : archive_->unsettled_segments()) settler_->add({wal::SettleTask::Kind::close, segment});
  }

  postgres::SlotState require_slot(ReplicationConnection& connection) {
    if (request_.slot_action == SlotAction::create && connection.create_slot(request_.slot)) tell("slot created");
    const auto slot = connection.read_slot(request_.slot);
    if (slot) return *slot;
    throw slot_missing();
  }

  [[nodiscard]] Error slot_missing() const {
    return Error(ErrorKind::server, fmt::format("the server has no replication slot \"{}\"", request_.slot))
        .with_remedy(
            "make it with --create-slot, before the first backup; where one went, `lifeboat wal check` says then "
            "whether WAL is missing");
  }

  struct History {
    std::string text;
    std::vector<postgres::TimelineSwitch> switches;
  };
  // Empty for the first timeline, which has none.
  static History history_of(ReplicationConnection& connection, TimelineId timeline) {
    if (timeline.number() <= 1) return {};
    History history;
    history.text = connection.timeline_history(timeline);
    history.switches = postgres::parse_history(history.text);
    return history;
  }

  // And those of the timelines before it.
  void keep_histories(ReplicationConnection& connection, TimelineId timeline, const History& history) {
    if (timeline.number() <= 1) return;
    archive_->put_history(timeline, history.text);
    for (const auto& branch : history.switches) {
      if (branch.parent.number() <= 1 || archive_->read_history(branch.parent)) continue;
      try {
        archive_->put_history(branch.parent, connection.timeline_history(branch.parent));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::server) throw;
        tell(fmt::format("the server no longer has {}", history_file_name(branch.parent)));
      }
    }
  }

  // A standby that was just restarted may have to replay up to where it was before; a primary that has less than it
  // once sent will never be the same again. Returns how far the server is.
  postgres::Lsn require_not_ahead(ReplicationConnection& connection, const StreamPosition& common) {
    constexpr auto patience = std::chrono::seconds(20);
    auto server = connection.identify_system();
    const auto behind = [&] { return server.timeline == common.timeline && server.flushed < common.at; };
    const auto look = [&]() -> std::optional<std::string> {
      if (!behind()) return std::nullopt;
      server = connection.identify_system();
      return to_string(server.flushed);
    };
    try {
      if (behind() && connection.in_recovery()) {
        base::poll_until(Deadline::after(patience), "the server to reach " + to_string(common.at), look, stop_);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::timed_out) throw;
    }
    if (behind()) throw wal::other_history(common, "the server has it only up to " + to_string(server.flushed));
    return server.flushed;
  }

  // False when to connect again: the server no longer has what it was asked for, and next time less is asked for. Where
  // not even the WAL that the slot keeps is there, streaming ends for the same reason, and a gap is recorded.
  bool require_same_history(ReplicationConnection& connection, const wal::StartFacts& facts,
                            const StreamPosition& common, const StreamPosition& next, postgres::Lsn flushed) {
    if (compared_with_ != common) {
      compared_with_ = common;
      comparisons_gone_ = 0;
    }
    const auto own = wal::start_of_segment(common.at, facts.segment_size);
    const auto from = wal::overlap_start(facts.held, common, facts.segment_size);
    std::vector<std::function<wal::Overlap()>> comparisons;
    if (from) comparisons.emplace_back([&] { return compare_overlap(connection, *archive_, common, *from, stop_); });
    if (from && *from < own && own < common.at) {
      comparisons.emplace_back([&] { return compare_overlap(connection, *archive_, common, own, stop_); });
    }
    if (own == common.at) {
      comparisons.emplace_back([&] { return compare_link(connection, *archive_, common, next, flushed, stop_); });
    }
    if (comparisons_gone_ >= comparisons.size()) return true;
    if (comparisons[comparisons_gone_]() == wal::Overlap::same) return true;
    ++comparisons_gone_;
    tell(fmt::format("the server no longer has all of the last segment held before {}", to_string(common.at)));
    return false;
  }

  void pass_over_gap(const StreamPosition& lost, const wal::StartFacts& facts, const std::string& reason) {
    go_on_at_ = choose_start_after_loss(lost, facts);
    archive_->put_gap({lost.timeline, lost.at, go_on_at_->at}, reason);
    tell(fmt::format("GAP: the WAL of timeline {} from {} to {} is lost to the repository ({}); take a new backup",
                     lost.timeline.number(), to_string(lost.at), to_string(go_on_at_->at), reason));
  }

  // Not again and again while a server is gone.
  void tell(const std::string& line) {
    if (request_.on_event && line != last_told_) request_.on_event(line);
    last_told_ = line;
  }

  const WalReceiveRequest& request_;
  store::Storage& storage_;
  std::stop_token stop_;
  std::string name_;
  std::string last_told_;
  base::RateLimit rate_{request_.max_bytes_per_second};
  BackOff back_off_;
  Deadline first_attempts_ = Deadline::after(std::chrono::seconds(10));
  bool has_streamed_ = false;
  std::optional<StreamPosition> go_on_at_;  // past a gap that was just recorded
  std::optional<StreamPosition> compared_with_;
  std::size_t comparisons_gone_ = 0;  // of those that could be made there
  std::optional<wal::ReceiverLock> lock_;
  std::optional<wal::WalArchive> archive_;
  std::optional<wal::Settler> settler_;  // after the archive that it works on
};

}  // namespace

void receive_wal(const WalReceiveRequest& request, const std::stop_token& stop) {
  postgres::require_slot_name(request.slot);
  store::check_cluster_name(request.cluster);
  const auto storage = store::open_repository(request.repository);
  Receiver(request, *storage, stop).run();
}

}  // namespace backup_engine

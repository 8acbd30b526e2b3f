// A cluster of two backups with transactions before, between and behind them, for tests of which backup is chosen.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/restore/choose_recovery.hpp"
#include "backup_engine/restore/target_value.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using wal::WalBuilder;

inline constexpr TimelineId one{1}, two{2};
inline constexpr const char* first_label = "20261120T100000Z-full";
inline constexpr const char* second_label = "20261120T140000Z-full";

inline base::UtcTime clock_at(const std::string& time) {
  return *base::parse_rfc3339("2026-11-20T" + time + "Z");
}

class ChooseRecovery : public testing::Test {
 protected:
  void SetUp() override {
    wal_.filler(200);
    back_up(first_label, [&] { early_ = wal_.commit(700, clock_at("10:00:01")); });
    wal_.commit(701, clock_at("11:00:00"));
    once_ = wal_.restore_point("once", clock_at("11:30:00"));
    wal_.filler(3000000);
    wal_.create_tablespace(16400, "/srv/between");
    middle_ = wal_.commit(702, clock_at("12:00:00"), {703});
    wal_.restore_point("daily", clock_at("12:30:00"));
    wal_.abort(704, clock_at("13:00:00"));
    wal_.prepare(705);
    back_up(second_label, [&] {
      wal_.commit(706, clock_at("14:00:01"));
      wal_.create_tablespace(16401, "/srv/meanwhile");
    });
    wal_.commit(707, clock_at("15:00:00"));
    daily_ = wal_.restore_point("daily", clock_at("15:30:00"));
    wal_.create_tablespace(16402, "/srv/behind");
    again_ = wal_.restore_point("daily", clock_at("16:30:00"));
    wal_.commit_prepared(705, clock_at("16:45:00"));
    wal_.prepare(708);
    wal_.filler(100, 709);
    last_ = wal_.commit(710, clock_at("17:00:00"));
    tail_ = wal_.filler(50);
  }
  void end_wal() { wal_.put_into(repository_.archive()); }

  template <typename During>
  void back_up(const std::string& label, During during, TimelineId timeline = one) {
    store::Manifest manifest;
    auto& summary = manifest.summary;
    summary.cluster = wal::TemporaryArchive::cluster;
    summary.label = label;
    summary.source = "files";
    summary.postgres_major = 15;
    summary.system_identifier = 42;
    summary.timeline = timeline;
    summary.start_lsn = wal_.filler(80);
    during();
    wal_.filler(40);
    summary.stop_lsn = wal_.end();
    summary.started_at = summary.finished_at = clock_at("23:00:00");  // another host's clock
    const auto hour = label.substr(std::string("20261120T").size(), 2);
    if (const auto damaged = damaged_.find(label); damaged != damaged_.end()) manifest.damaged_pages = damaged->second;
    summary.damaged_pages = manifest.damaged_pages.size();
    summary.data_checksums = label != unchecked_;
    manifest.databases = {
        {1, "template1", true}, {5, "postgres", false}, {shop_, "shop", false}, {16385, "till", false}};
    if (label == with_tablespace_) manifest.tablespaces = {{16500, "/srv/dropped"}};
    if (label != undated_) summary.stopped_at = clock_at(hour + ":00:02");
    stops_[label] = summary.stop_lsn;
    manifest.wal_segment_size = repository_.size;
    manifest.block_size_bytes = 4096;
    repository_.storage().put(store::manifest_name(summary.cluster, label), store::encode_manifest(manifest),
                              store::Durability::now);
  }

  Recovery choose(const RecoveryTarget& target, const std::string& label = "") {
    RestoreRequest request;
    request.repository = repository_.location();
    request.cluster = wal::TemporaryArchive::cluster;
    request.backup_label = label;
    request.target = spelled_for_postgres(target);
    return choose_recovery(shared_, request);
  }
  Recovery choose(TargetKind kind, const std::string& value, bool inclusive = true) {
    return choose({.kind = kind, .value = value, .inclusive = inclusive, .timeline = ""});
  }
  static std::string notes_of(const Recovery& recovery) {
    std::string text = recovery.backup_label;
    for (const auto& note : recovery.notes) text += "\n" + note;
    return text;
  }
  std::string refusal(const RecoveryTarget& target, const std::string& label = "",
                      ErrorKind kind = ErrorKind::not_found) {
    try {
      ADD_FAILURE() << "was accepted: " << notes_of(choose(target, label));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_TRUE(kind == ErrorKind::corrupt || !error.remedy().empty());
      reason_ = base::reason_of(error);
      return describe(error);
    }
    return "";
  }
  std::string refusal(TargetKind kind, const std::string& value) {
    return refusal({.kind = kind, .value = value, .timeline = ""});
  }

  wal::TemporaryArchive repository_;
  wal::SharedStorage shared_{repository_.storage()};
  WalBuilder wal_{Lsn(3 * wal::megabyte), wal::megabyte};
  Lsn early_, once_, middle_, daily_, again_, last_, tail_;
  std::map<std::string, Lsn> stops_;
  std::map<std::string, std::vector<DamagedPage>> damaged_;
  std::string reason_;                       // of the last refusal
  std::string unchecked_, with_tablespace_;  // labels of backups
  std::uint32_t shop_ = 16384;               // the database's OID
  std::string undated_;                      // the label of a backup that does not tell the server's time of its stop
};

}  // namespace backup_engine::restore

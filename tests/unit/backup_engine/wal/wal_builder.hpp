// Makes WAL that no server wrote, page for page as PostgreSQL lays it out: for tests of what reads records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

class WalBuilder {
 public:
  // From the start of a segment on; `major` decides the page magic.
  WalBuilder(postgres::Lsn segment_start, std::uint64_t segment_bytes,
             postgres::TimelineId timeline = postgres::TimelineId(1), int major = 15)
      : base_(segment_start), segment_bytes_(segment_bytes), timeline_(timeline), major_(major) {}

  // Each returns where the record starts.
  postgres::Lsn add(std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::vector<std::byte>& body) {
    if (at_page_start()) begin_page(0, 0);
    const auto start = end();
    std::vector<std::byte> record(24);
    store::put_little_endian(record.data(), static_cast<std::uint32_t>(24 + body.size()));
    store::put_little_endian(record.data() + 4, xid);
    store::put_little_endian(record.data() + 8, previous_.position_bytes());
    record[16] = static_cast<std::byte>(info);
    record[17] = static_cast<std::byte>(manager);
    const auto crc = base::crc32c(std::span(record).first(20), base::crc32c(body));
    store::put_little_endian(record.data() + 20, crc);
    record.insert(record.end(), body.begin(), body.end());
    append(record);
    previous_ = start;
    return start;
  }
  postgres::Lsn filler(std::size_t bytes, std::uint32_t xid = 0) {
    return add(10, 0, xid, data(std::vector<std::byte>(bytes, std::byte{7})));
  }
  postgres::Lsn commit(std::uint32_t xid, base::UtcTime time, const std::vector<std::uint32_t>& subtransactions = {}) {
    return end_transaction(0x00, xid, time, subtransactions, 0);
  }
  postgres::Lsn abort(std::uint32_t xid, base::UtcTime time) { return end_transaction(0x20, xid, time, {}, 0); }
  postgres::Lsn prepare(std::uint32_t xid) { return add(1, 0x10, xid, data(std::vector<std::byte>(40))); }
  postgres::Lsn commit_prepared(std::uint32_t xid, base::UtcTime time) {
    return end_transaction(0x30, 0, time, {}, xid);
  }
  postgres::Lsn restore_point(std::string_view name, base::UtcTime time) {
    std::vector<std::byte> body;
    put(body, since_2000(time));
    for (std::size_t i = 0; i < 64; ++i)
      body.push_back(i < name.size() ? static_cast<std::byte>(name[i]) : std::byte{0});
    return add(0, 0x70, 0, data(body));
  }
  postgres::Lsn create_tablespace(std::uint32_t oid, std::string_view location) {
    std::vector<std::byte> body;
    put(body, oid);
    for (const auto letter : location) body.push_back(static_cast<std::byte>(letter));
    body.push_back(std::byte{0});
    return add(5, 0x00, 0, data(body));
  }
  postgres::Lsn copy_database(std::uint32_t oid, std::uint32_t tablespace, std::uint32_t from_oid,
                              std::uint32_t from_tablespace) {
    std::vector<std::byte> body;
    for (const auto number : {oid, tablespace, from_oid, from_tablespace}) put(body, number);
    return add(4, 0x01, 0, data(body));  // with XLR_SPECIAL_REL_UPDATE
  }
  // As CREATE DATABASE … STRATEGY wal_log begins; its pages follow.
  postgres::Lsn create_database(std::uint32_t oid, std::uint32_t tablespace) {
    std::vector<std::byte> body;
    for (const auto number : {oid, tablespace}) put(body, number);
    return add(4, 0x11, 0, data(body));
  }
  postgres::Lsn drop_database(std::uint32_t oid, const std::vector<std::uint32_t>& tablespaces) {
    std::vector<std::byte> body;
    put(body, oid);
    put(body, static_cast<std::uint32_t>(tablespaces.size()));
    for (const auto tablespace : tablespaces) put(body, tablespace);
    return add(4, 0x21, 0, data(body));
  }
  // As a server begins that was started with other settings; 0: minimal, 1: replica.
  postgres::Lsn change_parameters(std::uint32_t wal_level) {
    std::vector<std::byte> body;
    for (const std::uint32_t number : {100U, 8U, 10U, 0U, 64U, wal_level}) put(body, number);
    body.resize(body.size() + 2);  // wal_log_hints, track_commit_timestamp
    return add(0, 0x60, 0, data(body));
  }
  // Ends the segment: the rest of it is zeros.
  postgres::Lsn switch_segment() {
    const auto start = add(0, 0x40, 0, {});
    while (bytes_.size() % segment_bytes_ != 0) bytes_.push_back(std::byte{0});
    return start;
  }

  // A record of which the server wrote only what goes on this page when it crashed; it goes on with the next one.
  postgres::Lsn cut_off() {
    if (at_page_start()) begin_page(0, 0);
    const auto start = end();
    std::vector<std::byte> record(24);
    store::put_little_endian(record.data(), std::uint32_t{100000});
    store::put_little_endian(record.data() + 8, previous_.position_bytes());
    for (std::size_t at = 0; !at_page_start(); ++at) bytes_.push_back(at < record.size() ? record[at] : std::byte{5});
    begin_page(8, 0);
    return start;
  }

  [[nodiscard]] postgres::Lsn end() const { return base_ + bytes_.size(); }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

  // Whole segments as such, the open one as one part.
  void put_into(WalArchive& archive) const {
    for (std::size_t at = 0; at < bytes_.size(); at += segment_bytes_) {
      const auto length = std::min<std::size_t>(segment_bytes_, bytes_.size() - at);
      const auto piece = std::span(bytes_).subspan(at, length);
      if (length == segment_bytes_) {
        archive.put_segment(segment_holding(timeline_, base_ + at, archive.segment_size()), piece);
      } else {
        archive.put_part(timeline_, base_ + at, piece);
      }
    }
  }

  // Another timeline that goes on where this one is: its first segment repeats what came before.
  [[nodiscard]] WalBuilder branch(postgres::TimelineId timeline) const {
    auto other = *this;
    other.timeline_ = timeline;
    return other;
  }

 private:
  static constexpr std::size_t page = 8192;

  [[nodiscard]] bool at_page_start() const { return bytes_.size() % page == 0; }
  template <typename Number>
  static void put(std::vector<std::byte>& to, Number value) {
    to.resize(to.size() + sizeof value);
    store::put_little_endian(to.data() + to.size() - sizeof value, value);
  }
  static std::uint64_t since_2000(base::UtcTime time) {
    return static_cast<std::uint64_t>((time.time_since_epoch() - std::chrono::seconds(946684800)).count());
  }
  static std::vector<std::byte> data(const std::vector<std::byte>& main) {
    std::vector<std::byte> body;
    if (main.size() < 256) {
      body = {std::byte{255}, static_cast<std::byte>(main.size())};
    } else {
      body = {std::byte{254}};
      put(body, static_cast<std::uint32_t>(main.size()));
    }
    body.insert(body.end(), main.begin(), main.end());
    return body;
  }
  // With everything that may stand before the prepared transaction's id.
  postgres::Lsn end_transaction(std::uint8_t info, std::uint32_t xid, base::UtcTime time,
                                const std::vector<std::uint32_t>& subtransactions, std::uint32_t prepared) {
    std::vector<std::byte> main;
    put(main, since_2000(time));
    if (!subtransactions.empty() || prepared != 0) {
      info |= 0x80U;
      put(main, 0x10FU | (prepared != 0 ? 0x10U : 0U));
      put(main, std::uint64_t{5});  // database, tablespace
      put(main, static_cast<std::uint32_t>(subtransactions.size()));
      for (const auto sub : subtransactions) put(main, sub);
      for (const std::size_t item : {std::size_t{12}, std::size_t{major_ >= 18 ? 16U : 12U}, std::size_t{16}}) {
        put(main, std::uint32_t{2});
        main.resize(main.size() + 2 * item, std::byte{9});
      }
      if (prepared != 0) put(main, prepared);
    }
    return add(1, info, xid, data(main));
  }

  void begin_page(std::uint16_t flags, std::uint32_t continued) {
    static constexpr std::uint16_t magic[] = {0xD110, 0xD113, 0xD116, 0xD118};
    const auto start = end();
    const bool first = bytes_.size() % segment_bytes_ == 0;
    std::vector<std::byte> header(first ? 40 : 24);
    store::put_little_endian(header.data(), magic[major_ - 15]);
    store::put_little_endian(header.data() + 2, static_cast<std::uint16_t>(flags | (first ? 2U : 0U)));
    store::put_little_endian(header.data() + 4, timeline_.number());
    store::put_little_endian(header.data() + 8, start.position_bytes());
    store::put_little_endian(header.data() + 16, continued);
    bytes_.insert(bytes_.end(), header.begin(), header.end());
  }
  void append(const std::vector<std::byte>& record) {
    for (std::size_t at = 0; at < record.size();) {
      if (at_page_start()) begin_page(1, static_cast<std::uint32_t>(record.size() - at));
      const auto length = std::min(record.size() - at, page - bytes_.size() % page);
      const auto from = record.begin() + static_cast<std::ptrdiff_t>(at);
      bytes_.insert(bytes_.end(), from, from + static_cast<std::ptrdiff_t>(length));
      at += length;
    }
    while (bytes_.size() % 8 != 0) bytes_.push_back(std::byte{0});
  }

  postgres::Lsn base_, previous_;
  std::uint64_t segment_bytes_;
  postgres::TimelineId timeline_;
  int major_;
  std::vector<std::byte> bytes_;
};

}  // namespace backup_engine::wal

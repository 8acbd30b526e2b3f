#include "backup_engine/wal/wal_record.hpp"

#include <algorithm>

#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::wal {

using store::get_little_endian;

namespace {

// xl_info: the upper four bits are the manager's own.
constexpr std::uint8_t xlog_operation = 0xF0, segment_switch = 0x40, restore_point = 0x70, parameter_change = 0x60;
constexpr std::uint8_t transaction_operation = 0x70, with_details = 0x80;
constexpr std::uint8_t commit = 0x00, prepare = 0x10, abort = 0x20, commit_prepared = 0x30, abort_prepared = 0x40;

// What the details of a transaction's end may hold, in this order.
constexpr std::uint32_t has_database = 1U << 0U, has_subtransactions = 1U << 1U, has_relations = 1U << 2U,
                        has_dropped_statistics = 1U << 8U, has_invalidations = 1U << 3U, has_prepared = 1U << 4U;
constexpr std::size_t database_bytes = 8, relation_bytes = 12, invalidation_bytes = 16;

constexpr std::size_t restore_point_name_bytes = 64;
constexpr std::uint8_t tablespace_creation = 0x00;
constexpr std::uint8_t database_file_copy = 0x00, database_removal = 0x20;  // between them: made empty

// The fragments behind a record's header, by their first byte.
constexpr std::uint8_t short_data = 255, long_data = 254, origin = 253, top_level_xid = 252;

// Takes numbers off the front; once something was missing, everything is.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename Number>
  Number take() {
    if (!has(sizeof(Number))) return 0;
    const auto value = get_little_endian<Number>(rest_.data());
    rest_ = rest_.subspan(sizeof(Number));
    return value;
  }
  // Up to a zero byte, or to the end.
  std::string take_text() {
    std::string text;
    for (; !rest_.empty() && rest_.front() != std::byte{0}; rest_ = rest_.subspan(1)) {
      text += static_cast<char>(rest_.front());
    }
    return text;
  }
  std::span<const std::byte> take_bytes(std::size_t count) {
    if (!has(count)) return {};
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  // An array: how many, then as many of `item_bytes`.
  std::span<const std::byte> take_array(std::size_t item_bytes) {
    return take_bytes(static_cast<std::size_t>(take<std::uint32_t>()) * item_bytes);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  bool has(std::size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    return ok_;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// A record's own data. Records of the managers looked at here change no blocks, so nothing else lies before it;
// one that does (a full page of the xlog manager) has none of interest.
std::optional<std::span<const std::byte>> main_data(std::span<const std::byte> body) {
  Fields fields(body);
  while (!fields.empty()) {
    switch (fields.take<std::uint8_t>()) {
      case short_data: {
        const auto data = fields.take_bytes(fields.take<std::uint8_t>());
        return fields.ok() ? std::optional(data) : std::nullopt;
      }
      case long_data: {
        const auto data = fields.take_bytes(fields.take<std::uint32_t>());
        return fields.ok() ? std::optional(data) : std::nullopt;
      }
      case origin:
        static_cast<void>(fields.take<std::uint16_t>());
        break;
      case top_level_xid:
        static_cast<void>(fields.take<std::uint32_t>());
        break;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

base::UtcTime time_of(std::uint64_t microseconds_since_2000) {
  using namespace std::chrono;
  const sys_days epoch(year_month_day{year(2000), January, day(1)});
  return base::UtcTime(epoch + microseconds(static_cast<std::int64_t>(microseconds_since_2000)));
}

std::vector<std::uint32_t> numbers_in(std::span<const std::byte> bytes) {
  std::vector<std::uint32_t> numbers;
  for (; bytes.size() >= sizeof(std::uint32_t); bytes = bytes.subspan(sizeof(std::uint32_t))) {
    numbers.push_back(get_little_endian<std::uint32_t>(bytes.data()));
  }
  return numbers;
}

// The prepared transaction's id comes last of what matters, behind everything of variable length.
bool parse_details(Fields& fields, int major, TransactionEnd& end) {
  const std::size_t statistic_bytes = major >= 18 ? 16 : 12;
  const auto details = fields.take<std::uint32_t>();
  if ((details & has_database) != 0) static_cast<void>(fields.take_bytes(database_bytes));
  if ((details & has_subtransactions) != 0) end.subtransactions = numbers_in(fields.take_array(sizeof(std::uint32_t)));
  if ((details & has_relations) != 0) static_cast<void>(fields.take_array(relation_bytes));
  if ((details & has_dropped_statistics) != 0) static_cast<void>(fields.take_array(statistic_bytes));
  if ((details & has_invalidations) != 0) static_cast<void>(fields.take_array(invalidation_bytes));
  if ((details & has_prepared) != 0) end.xid = fields.take<std::uint32_t>();
  return fields.ok();
}

}  // namespace

bool is_segment_switch(const WalRecord& record) {
  return record.manager == xlog_manager && (record.info & xlog_operation) == segment_switch;
}

bool is_prepare(const WalRecord& record) {
  return record.manager == transaction_manager && (record.info & transaction_operation) == prepare;
}

std::optional<TransactionEnd> parse_transaction_end(const WalRecord& record, int major) {
  if (record.manager != transaction_manager) return std::nullopt;
  const std::uint8_t operation = record.info & transaction_operation;
  const bool commits = operation == commit || operation == commit_prepared;
  const bool aborts = operation == abort || operation == abort_prepared;
  if (!commits && !aborts) return std::nullopt;
  const auto data = main_data(record.body);
  if (!data) return std::nullopt;
  Fields fields(*data);
  TransactionEnd end;
  end.ending = commits ? Ending::commit : Ending::abort;
  end.prepared = operation == commit_prepared || operation == abort_prepared;
  end.xid = record.xid;
  end.time = time_of(fields.take<std::uint64_t>());
  if ((record.info & with_details) != 0 && !parse_details(fields, major, end)) return std::nullopt;
  return fields.ok() ? std::optional(std::move(end)) : std::nullopt;
}

std::optional<RestorePoint> parse_restore_point(const WalRecord& record) {
  if (record.manager != xlog_manager || (record.info & xlog_operation) != restore_point) return std::nullopt;
  const auto data = main_data(record.body);
  if (!data) return std::nullopt;
  Fields fields(*data);
  RestorePoint point;
  point.time = time_of(fields.take<std::uint64_t>());
  for (const auto byte : fields.take_bytes(restore_point_name_bytes)) {
    if (byte == std::byte{0}) break;
    point.name += static_cast<char>(byte);
  }
  return fields.ok() ? std::optional(std::move(point)) : std::nullopt;
}

bool begins_minimal_wal(const WalRecord& record) {
  constexpr std::size_t other_settings_bytes = 20;  // five numbers, before the level
  constexpr std::uint32_t minimal = 0;
  if (record.manager != xlog_manager || (record.info & xlog_operation) != parameter_change) return false;
  const auto data = main_data(record.body);
  if (!data) return false;
  Fields fields(*data);
  static_cast<void>(fields.take_bytes(other_settings_bytes));
  const auto level = fields.take<std::uint32_t>();
  return fields.ok() && level == minimal;
}

std::optional<TablespaceCreation> parse_tablespace_creation(const WalRecord& record) {
  if (record.manager != tablespace_manager || (record.info & xlog_operation) != tablespace_creation)
    return std::nullopt;
  const auto data = main_data(record.body);
  if (!data) return std::nullopt;
  Fields fields(*data);
  TablespaceCreation creation;
  creation.record = record.start;
  creation.oid = fields.take<std::uint32_t>();
  creation.location = fields.take_text();
  return fields.ok() ? std::optional(std::move(creation)) : std::nullopt;
}

std::optional<DatabaseChange> parse_database_change(const WalRecord& record) {
  const std::uint8_t operation = record.info & xlog_operation;
  if (record.manager != database_manager || operation > database_removal) return std::nullopt;
  const auto data = main_data(record.body);
  if (!data) return std::nullopt;
  Fields fields(*data);
  DatabaseChange change;
  change.record = record.start;
  change.oid = fields.take<std::uint32_t>();
  const auto count = operation == database_removal ? fields.take<std::uint32_t>() : 1;
  for (std::uint32_t i = 0; i < count && fields.ok(); ++i) change.tablespaces.push_back(fields.take<std::uint32_t>());
  if (operation == database_removal) change.kind = DatabaseChange::Kind::removed;
  if (operation == database_file_copy) {
    change.kind = DatabaseChange::Kind::copied;
    change.from_oid = fields.take<std::uint32_t>();
    change.from_tablespace = fields.take<std::uint32_t>();
  }
  return fields.ok() ? std::optional(std::move(change)) : std::nullopt;
}

}  // namespace backup_engine::wal

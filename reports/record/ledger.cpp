#include "reports/record/ledger.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <span>
#include <unordered_map>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace reports::record {

namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

constexpr std::size_t crc_digits = 8;

std::uint32_t crc_of(std::string_view text) {
  return backup_engine::base::crc32c(std::as_bytes(std::span(text)));
}

// Takes the fields of one line from the left; `good` stays false once one was not what it had to be.
class Fields {
 public:
  explicit Fields(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  template <class Number>
  Number number() {
    Number value = 0;
    separator();
    const auto result = std::from_chars(at_, end_, value);
    good_ = good_ && result.ec == std::errc();
    at_ = result.ptr;
    return value;
  }

  std::string_view word() {
    separator();
    const auto* const begin = at_;
    while (at_ != end_ && *at_ != ' ') ++at_;
    good_ = good_ && at_ != begin;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

  [[nodiscard]] bool good_to_the_end() const { return good_ && at_ == end_; }

 private:
  void separator() {
    good_ = good_ && at_ != end_ && *at_ == ' ';
    if (at_ != end_) ++at_;
  }

  const char* at_;
  const char* end_;
  bool good_ = true;
};

// nullopt when the line does not hold its CRC or is no record. The digest points into `line`.
struct Scanned {
  LedgerEvent event = LedgerEvent::attempt;
  std::int64_t id = 0, time_microseconds = 0;
  std::uint32_t writer = 0;
  std::uint64_t xid = 0;
  std::string_view digest;
};

std::optional<Scanned> scan(std::string_view line) {
  if (line.size() < crc_digits + 2) return std::nullopt;
  const auto body = line.substr(0, line.size() - crc_digits - 1);
  const auto* const crc_begin = body.data() + body.size() + 1;
  const auto* const crc_end = line.data() + line.size();
  std::uint32_t crc = 0;
  const auto parsed = std::from_chars(crc_begin, crc_end, crc, 16);
  if (body.data()[body.size()] != ' ' || parsed.ptr != crc_end || crc != crc_of(body)) return std::nullopt;

  Scanned record;
  record.event = static_cast<LedgerEvent>(body[0]);
  Fields fields(body.substr(1));
  record.id = fields.number<std::int64_t>();
  record.time_microseconds = fields.number<std::int64_t>();
  switch (record.event) {
    case LedgerEvent::attempt:
      record.writer = fields.number<std::uint32_t>();
      record.xid = fields.number<std::uint64_t>();
      record.digest = fields.word();
      if (record.digest == "-") record.digest = {};
      break;
    case LedgerEvent::acknowledged:
    case LedgerEvent::aborted:
    case LedgerEvent::unknown:
      break;
    default:
      return std::nullopt;
  }
  if (!fields.good_to_the_end()) return std::nullopt;
  return record;
}

LedgerOutcome outcome_of(LedgerEvent answer) {
  if (answer == LedgerEvent::acknowledged) return LedgerOutcome::acknowledged;
  return answer == LedgerEvent::aborted ? LedgerOutcome::aborted : LedgerOutcome::unknown;
}

// Joins attempts with their answers.
class Transactions {
 public:
  explicit Transactions(std::size_t expected) {
    list_.reserve(expected);
    position_.reserve(expected);
  }

  // What is wrong with the record in this place, nullptr when nothing is.
  const char* add(const Scanned& record) {
    if (record.event == LedgerEvent::attempt) {
      if (!position_.emplace(record.id, list_.size()).second) return "attempts a transaction a second time";
      list_.push_back({record.id, record.writer, record.xid, std::string(record.digest), record.time_microseconds, 0,
                       LedgerOutcome::unknown});
      return nullptr;
    }
    const auto found = position_.find(record.id);
    if (found == position_.end()) return "answers a transaction that nobody attempted";
    auto& transaction = list_[found->second];
    if (transaction.answered_microseconds != 0) return "answers a transaction a second time";
    transaction.answered_microseconds = record.time_microseconds;
    transaction.outcome = outcome_of(record.event);
    return nullptr;
  }

  std::vector<LedgerTransaction> take() { return std::move(list_); }

 private:
  std::vector<LedgerTransaction> list_;
  std::unordered_map<std::int64_t, std::size_t> position_;
};

[[noreturn]] void fail(const std::filesystem::path& file, std::size_t line_number, const char* what) {
  throw Error(ErrorKind::corrupt, fmt::format("{} line {}: {}", file.string(), line_number, what))
      .with_remedy("the ledger is a witness and cannot be repaired: run the drill again");
}

}  // namespace

std::string encode(const LedgerRecord& record) {
  fmt::memory_buffer line;
  const auto out = std::back_inserter(line);
  fmt::format_to(out, "{} {} {}", static_cast<char>(record.event), record.id, record.time_microseconds);
  if (record.event == LedgerEvent::attempt) {
    fmt::format_to(out, " {} {} {}", record.writer, record.xid, record.digest.empty() ? "-" : record.digest);
  }
  fmt::format_to(out, " {:08x}\n", crc_of({line.data(), line.size()}));
  return fmt::to_string(line);
}

std::vector<LedgerTransaction> read_ledger(const std::filesystem::path& file) {
  const auto text = backup_engine::base::read_file(file);
  constexpr std::size_t typical_bytes_per_transaction = 110;
  Transactions transactions(text.size() / typical_bytes_per_transaction + 1);
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto newline = text.find('\n', begin);
    const bool torn = newline == std::string::npos;
    const auto line = std::string_view(text).substr(begin, torn ? std::string::npos : newline - begin);
    ++line_number;
    const auto record = scan(line);
    if (!record && torn) break;
    if (!record) fail(file, line_number, "does not hold its CRC");
    if (const auto* const wrong = transactions.add(*record)) fail(file, line_number, wrong);
    begin = torn ? text.size() : newline + 1;
  }
  return transactions.take();
}

}  // namespace reports::record

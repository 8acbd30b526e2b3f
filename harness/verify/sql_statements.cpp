#include "harness/verify/sql_statements.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace harness::verify {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::size_t end_of_line(std::string_view sql, std::size_t at) {
  return std::min(sql.find('\n', at), sql.size());
}

// Block comments nest in PostgreSQL.
std::size_t end_of_block_comment(std::string_view sql, std::size_t at) {
  int depth = 0;
  while (at < sql.size()) {
    if (sql.substr(at, 2) == "/*") {
      ++depth;
      at += 2;
    } else if (sql.substr(at, 2) == "*/") {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return at;
}

// A doubled quote ends one string and begins the next, which is the same to whoever only wants to get past it.
std::size_t end_of_quoted(std::string_view sql, std::size_t at, bool backslashes) {
  const char quote = sql[at++];
  while (at < sql.size() && sql[at] != quote) at += (backslashes && sql[at] == '\\') ? 2U : 1U;
  return std::min(at + 1, sql.size());
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// $tag$ … $tag$; nullopt when the dollar begins no tag ($1, or inside of a name).
std::optional<std::size_t> end_of_dollar_quoted(std::string_view sql, std::size_t at) {
  if (at > 0 && is_word(sql[at - 1])) return std::nullopt;
  auto tag_end = at + 1;
  while (tag_end < sql.size() && is_word(sql[tag_end])) ++tag_end;
  if (tag_end >= sql.size() || sql[tag_end] != '$') return std::nullopt;
  if (std::isdigit(static_cast<unsigned char>(sql[at + 1])) != 0) return std::nullopt;
  const auto tag = sql.substr(at, tag_end - at + 1);
  const auto close = sql.find(tag, tag_end + 1);
  return close == std::string_view::npos ? sql.size() : close + tag.size();
}

class Splitter {
 public:
  explicit Splitter(std::string_view sql) : sql_(sql) {}

  std::vector<SqlStatement> split() {
    while (at_ < sql_.size()) step();
    finish(sql_.size());
    return std::move(statements_);
  }

 private:
  void step() {
    const auto rest = sql_.substr(at_);
    if (rest.substr(0, 2) == "--") {
      read_comment(end_of_line(sql_, at_));
    } else if (rest.substr(0, 2) == "/*") {
      skip_comment(end_of_block_comment(sql_, at_));
    } else if (rest[0] == ';') {
      finish(at_);
      start_ = ++at_;
    } else if (const auto end = end_of_quotation()) {
      has_code_ = true;
      at_ = *end;
    } else {
      has_code_ = has_code_ || blanks.find(rest[0]) == std::string_view::npos;
      ++at_;
    }
  }

  [[nodiscard]] std::optional<std::size_t> end_of_quotation() const {
    const char c = sql_[at_];
    if (c == '$') return end_of_dollar_quoted(sql_, at_);
    if (c == '"') return end_of_quoted(sql_, at_, false);
    if (c != '\'') return std::nullopt;
    const bool escapes =
        at_ > 0 && (sql_[at_ - 1] == 'E' || sql_[at_ - 1] == 'e') && (at_ < 2 || !is_word(sql_[at_ - 2]));
    return end_of_quoted(sql_, at_, escapes);
  }

  void read_comment(std::size_t end) {
    const auto text = trimmed(sql_.substr(at_ + 2, end - at_ - 2));
    if (!has_code_ && text.substr(0, 5) == "name:") name_ = trimmed(text.substr(5));
    if (!has_code_ && text.substr(0, 9) == "sabotage:") {
      sabotage_ += (sabotage_.empty() ? "" : "\n") + std::string(trimmed(text.substr(9)));
    }
    skip_comment(end);
  }

  // Comments before a statement do not belong to what the server is asked.
  void skip_comment(std::size_t end) {
    at_ = end;
    if (!has_code_) start_ = end;
  }

  void finish(std::size_t end) {
    if (has_code_) {
      const auto number = std::to_string(statements_.size() + 1);
      statements_.push_back({name_.empty() ? "statement " + number : name_,
                             std::string(trimmed(sql_.substr(start_, end - start_))), sabotage_});
    }
    name_.clear();
    sabotage_.clear();
    has_code_ = false;
  }

  std::string_view sql_;
  std::size_t at_ = 0, start_ = 0;
  bool has_code_ = false;
  std::string name_, sabotage_;
  std::vector<SqlStatement> statements_;
};

}  // namespace

std::vector<SqlStatement> split_statements(std::string_view sql) {
  return Splitter(sql).split();
}

}  // namespace harness::verify

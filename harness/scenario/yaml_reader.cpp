#include "harness/scenario/yaml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "backup_engine/base/error.hpp"
#include "harness/scenario/suggestion.hpp"

namespace harness::scenario {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{1, 1} : Position{mark.line + 1, mark.column + 1};
}

// Quoted scalars carry the tag "!"; a plain one may be read as a number or a truth value.
bool is_plain(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

std::string described(const YAML::Node& node) {
  if (!node.IsScalar()) return std::string(shape_of(node));
  return is_plain(node) ? node.Scalar() : fmt::format("\"{}\"", node.Scalar());
}

std::string_view line_of(std::string_view text, int line) {  // from 1
  for (; line > 1 && text.find('\n') != std::string_view::npos; --line) text.remove_prefix(text.find('\n') + 1);
  return text.substr(0, text.find('\n'));
}

std::optional<double> seconds_of(std::string_view unit) {
  if (unit == "ms") return 0.001;
  if (unit == "s") return 1;
  if (unit == "min") return 60;
  if (unit == "h") return 3600;
  return std::nullopt;
}

std::optional<double> bytes_of(std::string_view unit) {
  if (unit == "MB") return 1e6;
  if (unit == "GB") return 1e9;
  if (unit == "TB") return 1e12;
  if (unit == "PB") return 1e15;
  return std::nullopt;
}

const Key* key_named(std::span<const Key> keys, std::string_view name) {
  for (const auto& key : keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

}  // namespace

Position position_of(const YAML::Node& node) {
  return position_of(node.Mark());
}

std::string_view shape_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
  }
  return "nothing";
}

void Reader::fail(Position position, const std::string& message, const std::string& remedy) const {
  throw Error(ErrorKind::usage, fmt::format("{}:{}:{}: {}", file_.string(), position.line, position.column, message))
      .with_remedy(remedy);
}

void Reader::fail(const YAML::Node& node, const std::string& message, const std::string& remedy) const {
  fail(position_of(node), message, remedy);
}

YAML::Node Reader::load(const std::string& text) const {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.empty() || documents.front().IsNull()) {
      fail(Position{1, 1}, fmt::format("the file holds no {}", subject_.what),
           fmt::format("write one, as {} shows", subject_.page));
    }
    if (documents.size() > 1) {
      fail(documents[1], "a second document begins here",
           fmt::format("one file holds one {}: move the second into its own", subject_.what));
    }
    return documents.front();
  } catch (const YAML::Exception& error) {
    const auto place = position_of(error.mark);
    const bool unquoted = line_of(text, place.line).find("${") != std::string_view::npos;
    fail(place, "not YAML: " + error.msg,
         unquoted ? "within { } and [ ] a variable stands in quotes: \"${name}\""
                  : "correct the file's syntax at this place");
  }
}

std::string Reader::text(const YAML::Node& node, std::string_view what) const {
  if (node.IsScalar() && !node.Scalar().empty()) return node.Scalar();
  const auto found = node.IsScalar() ? std::string("an empty text") : described(node);
  fail(node, fmt::format("{} must be a text, not {}", what, found), "write one word or line there");
}

int Reader::whole_number(const YAML::Node& node, std::string_view what, int smallest, int largest) const {
  int value = 0;
  if (is_plain(node)) {
    const auto& digits = node.Scalar();
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = result.ec == std::errc() && result.ptr == digits.data() + digits.size();
    if (whole && value >= smallest && value <= largest) return value;
  }
  fail(node, fmt::format("{} must be a whole number from {} to {}, not {}", what, smallest, largest, described(node)),
       "write the number without quotes and without a unit");
}

bool Reader::truth(const YAML::Node& node, std::string_view what) const {
  if (is_plain(node) && node.Scalar() == "true") return true;
  if (is_plain(node) && node.Scalar() == "false") return false;
  fail(node, fmt::format("{} must be true or false, not {}", what, described(node)), "write true or false, no quotes");
}

Seconds Reader::duration(const YAML::Node& node, std::string_view what) const {
  constexpr double longest = 30.0 * 24 * 3600;
  if (node.IsScalar()) {
    const auto& text = node.Scalar();
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    std::string_view unit(result.ptr, static_cast<std::size_t>(text.data() + text.size() - result.ptr));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const auto factor = seconds_of(unit);
    if (result.ec == std::errc() && factor && value >= 0 && value * *factor <= longest) return Seconds(value * *factor);
  }
  fail(node, fmt::format("{} must be a duration, not {}", what, described(node)),
       "write a number with its unit, ms, s, min or h: 500ms, 3s, 2min, 1h (30 days at most)");
}

Seconds Reader::positive_duration(const YAML::Node& node, std::string_view what) const {
  const auto result = duration(node, what);
  if (result <= Seconds(0)) fail(node, fmt::format("{} must be longer than nothing", what), "write 1s, say");
  return result;
}

std::uint64_t Reader::size(const YAML::Node& node, std::string_view what) const {
  constexpr double largest = 1e18;
  if (node.IsScalar()) {
    const auto& text = node.Scalar();
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    std::string_view unit(result.ptr, static_cast<std::size_t>(text.data() + text.size() - result.ptr));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const auto factor = bytes_of(unit);
    const bool fits = result.ec == std::errc() && factor && value * *factor >= 1 && value * *factor <= largest;
    if (fits) return static_cast<std::uint64_t>(std::llround(value * *factor));
  }
  fail(node, fmt::format("{} must be a size, not {}", what, described(node)),
       "write a number with its unit, MB, GB, TB or PB, powers of 1000: 500GB, 1.5TB (1000 PB at most)");
}

void Reader::require_list(const YAML::Node& node, std::string_view what) const {
  if (!node.IsSequence())
    fail(node, fmt::format("{} must be a list, not {}", what, shape_of(node)),
         "write [a, b] or lines that begin with -");
}

void Reader::refuse_unknown_word(const YAML::Node& node, std::string_view what, std::string_view given,
                                 std::span<const std::string_view> allowed) const {
  fail(node, fmt::format("unknown {} \"{}\"", what, given), suggestion(given, allowed));
}

void Reader::refuse_not_delivered(const YAML::Node& node, std::string_view what, std::string_view given,
                                  std::span<const std::string_view> allowed) const {
  fail(node, fmt::format("{} \"{}\" is not delivered yet", what, given), suggestion("", allowed));
}

Mapping::Mapping(const Reader& reader, const YAML::Node& node, std::string what, std::span<const Key> keys) {
  std::vector<std::string_view> allowed;
  for (const auto& key : keys) {
    if (key.standing != Standing::not_delivered) allowed.push_back(key.name);
  }
  for (const auto& [name, value] : free_mapping(reader, node, what)) {
    const auto& text = name.Scalar();
    const auto* const known = key_named(keys, text);
    const auto place = "key of " + what;
    if (known == nullptr) reader.refuse_unknown_word(name, place, text, allowed);
    if (known->standing == Standing::not_delivered) reader.refuse_not_delivered(name, place, text, allowed);
    // YAML places a missing value at whatever follows it: the key is where a person looks.
    if (value.IsNull()) reader.fail(name, fmt::format("the {} \"{}\" has no value", place, text), "give it one");
    entries_.emplace_back(text, value);
  }
  for (const auto& key : keys) {
    const bool required = key.standing == Standing::required || key.standing == Standing::drawn;
    if (required && !has(key.name)) {
      reader.fail(node, fmt::format("{} lacks the key \"{}\"", what, key.name),
                  fmt::format("add \"{}:\"; {} says what it may be", key.name, reader.subject().page));
    }
  }
}

const YAML::Node* Mapping::entry(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& pair) { return pair.first == key; });
  return found == entries_.end() ? nullptr : &found->second;
}

const YAML::Node& Mapping::at(std::string_view key) const {
  const auto* const found = entry(key);
  if (found == nullptr) throw Error(ErrorKind::internal, fmt::format("key \"{}\" was not looked for before", key));
  return *found;
}

std::vector<std::pair<YAML::Node, YAML::Node>> free_mapping(const Reader& reader, const YAML::Node& node,
                                                            std::string_view what) {
  if (!node.IsMap()) {
    reader.fail(node, fmt::format("{} must be a mapping, not {}", what, shape_of(node)), "write key: value there");
  }
  std::vector<std::pair<YAML::Node, YAML::Node>> pairs;
  std::set<std::string> seen;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar())
      reader.fail(pair.first, fmt::format("a key of {} must be a word", what), "write key: value");
    if (!seen.insert(pair.first.Scalar()).second) {
      reader.fail(pair.first, fmt::format("{} has the key \"{}\" twice", what, pair.first.Scalar()),
                  "keep one of the two");
    }
    pairs.emplace_back(pair.first, pair.second);
  }
  return pairs;
}

}  // namespace harness::scenario

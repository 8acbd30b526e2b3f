// Reads YAML strictly: each mapping knows its keys, each value its type, and what does not fit is an Error(usage) that
// names file, line and column and says what is allowed. Internal to harness/scenario, and to harness/config, which
// reads lifeboat.yaml as strictly.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/scenario/language.hpp"

namespace harness::scenario {

struct Subject {  // of a file, for messages
  std::string_view what = "scenario", page = "docs/scenarios.md";
};

class Reader {
 public:
  explicit Reader(std::filesystem::path file, Subject subject = {}) : file_(std::move(file)), subject_(subject) {}

  // Throws Error(usage) "FILE:LINE:COLUMN: message"; positions count from 1.
  [[noreturn]] void fail(Position position, const std::string& message, const std::string& remedy) const;
  [[noreturn]] void fail(const YAML::Node& node, const std::string& message, const std::string& remedy) const;

  // The file's one document. Throws Error(usage) for what is no YAML, or none or several documents.
  [[nodiscard]] YAML::Node load(const std::string& text) const;

  // `what` names the value in messages. A number or a truth value must be written plainly, without quotes.
  [[nodiscard]] std::string text(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] int whole_number(const YAML::Node& node, std::string_view what, int smallest, int largest) const;
  [[nodiscard]] bool truth(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] Seconds duration(const YAML::Node& node, std::string_view what) const;  // 0 or more
  [[nodiscard]] Seconds positive_duration(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] std::uint64_t size(const YAML::Node& node, std::string_view what) const;  // bytes, above 0
  void require_list(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] const Subject& subject() const { return subject_; }

  template <typename Meaning>
  [[nodiscard]] Meaning word(const YAML::Node& node, std::string_view what,
                             std::span<const Word<Meaning>> words) const {
    return meaning(node, text(node, what), what, words);
  }
  // As word(), of a text that was read already and is named at `node`.
  template <typename Meaning>
  [[nodiscard]] Meaning meaning(const YAML::Node& node, std::string_view given, std::string_view what,
                                std::span<const Word<Meaning>> words) const {
    std::vector<std::string_view> delivered;
    for (const auto& word : words) {
      if (word.meaning) delivered.push_back(word.text);
    }
    for (const auto& word : words) {
      if (word.text != given) continue;
      if (word.meaning) return *word.meaning;
      refuse_not_delivered(node, what, given, delivered);
    }
    refuse_unknown_word(node, what, given, delivered);
  }

  [[noreturn]] void refuse_unknown_word(const YAML::Node& node, std::string_view what, std::string_view given,
                                        std::span<const std::string_view> allowed) const;
  [[noreturn]] void refuse_not_delivered(const YAML::Node& node, std::string_view what, std::string_view given,
                                         std::span<const std::string_view> allowed) const;

 private:
  std::filesystem::path file_;
  Subject subject_;
};

[[nodiscard]] Position position_of(const YAML::Node& node);
[[nodiscard]] std::string_view shape_of(const YAML::Node& node);  // "a list", for messages

// One mapping, checked when it is made: it is a mapping, every key is known and delivered and stands there once, and
// no required key is missing.
class Mapping {
 public:
  Mapping(const Reader& reader, const YAML::Node& node, std::string what, std::span<const Key> keys);

  [[nodiscard]] bool has(std::string_view key) const { return entry(key) != nullptr; }
  // The value; only for keys that are required or that has() found.
  [[nodiscard]] const YAML::Node& at(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] const std::string& first_key() const { return entries_.front().first; }

 private:
  [[nodiscard]] const YAML::Node* entry(std::string_view key) const;

  std::vector<std::pair<std::string, YAML::Node>> entries_;
};

// The pairs of a mapping whose keys are free, in the order of the file, none twice.
[[nodiscard]] std::vector<std::pair<YAML::Node, YAML::Node>> free_mapping(const Reader& reader, const YAML::Node& node,
                                                                          std::string_view what);

}  // namespace harness::scenario

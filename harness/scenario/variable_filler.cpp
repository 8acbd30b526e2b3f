#include "harness/scenario/variable_filler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "harness/scenario/language.hpp"
#include "harness/scenario/suggestion.hpp"

namespace harness::scenario {
namespace {

struct Use {
  std::string name;
  std::optional<std::string> fallback;
};
using Resolve = std::function<std::string(const YAML::Node&, const Use&)>;

// NAME or NAME:-DEFAULT, what stands between the braces.
Use parse_use(const Reader& reader, const YAML::Node& node, std::string_view inside) {
  const auto mark = inside.find(":-");
  Use use{std::string(inside.substr(0, mark)), std::nullopt};
  if (mark != std::string_view::npos) use.fallback = inside.substr(mark + 2);
  if (std::find(variable_names.begin(), variable_names.end(), use.name) == variable_names.end()) {
    reader.refuse_unknown_word(node, "variable", use.name, variable_names);
  }
  return use;
}

// A value's text with its variables resolved; nullopt when it has none. $${ stands for ${ itself.
std::optional<std::string> filled(const Reader& reader, const YAML::Node& node, const Resolve& resolve) {
  const std::string_view text = node.Scalar();
  std::string result;
  std::size_t done = 0;
  for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${", done)) {
    const bool escaped = at > done && text[at - 1] == '$';
    result += text.substr(done, at - done - (escaped ? 1 : 0));
    if (escaped) {
      result += "${";
      done = at + 2;
      continue;
    }
    const auto close = text.find('}', at);
    if (close == std::string_view::npos) {
      reader.fail(node, "a variable is not closed: \"${\" without \"}\"",
                  "write ${NAME} or ${NAME:-DEFAULT}; $${ for ${");
    }
    result += resolve(node, parse_use(reader, node, text.substr(at + 2, close - at - 2)));
    done = close + 1;
  }
  if (done == 0) return std::nullopt;
  return result += text.substr(done);
}

class Filler {
 public:
  Filler(const Reader& reader, Resolve resolve) : reader_(reader), resolve_(std::move(resolve)) {}

  // YAML's aliases make one value appear at several places: it is filled once, or what it was filled with would be
  // looked through for variables too.
  void fill(YAML::Node node) {
    if (!node.IsDefined() || node.IsNull()) return;
    if (node.IsScalar()) {
      fill_scalar(std::move(node));
      return;
    }
    if (!seen_.insert({node.Mark().pos, node.IsMap()}).second) return;
    if (node.IsSequence()) {
      for (auto item : node) fill(item);
      return;
    }
    std::vector<YAML::Node> left_out;
    for (auto pair : node) {
      const bool had_text = pair.second.IsScalar() && !pair.second.Scalar().empty();
      fill(pair.second);
      if (had_text && pair.second.Scalar().empty()) left_out.push_back(pair.first);
    }
    for (const auto& key : left_out) node.remove(key);
  }

 private:
  void fill_scalar(YAML::Node node) {
    if (!scalars_.insert(node.Mark().pos).second) return;
    const auto text = filled(reader_, node, resolve_);
    if (!text) return;
    node = *text;
    node.SetTag("?");
  }

  const Reader& reader_;
  Resolve resolve_;
  std::set<std::pair<int, bool>> seen_;
  std::set<int> scalars_;
};

[[noreturn]] void refuse_empty(const Reader& reader, const YAML::Node& node, const std::string& name,
                               const std::string& origin) {
  const auto fallback = fmt::format("give it a default, ${{{}:-VALUE}}", name);
  if (origin.empty()) {
    reader.fail(node, fmt::format("the variable {} has no value", name),
                fmt::format("name a cluster of lifeboat.yaml with --cluster, or {}", fallback));
  }
  reader.fail(node, fmt::format("the variable {} has no value: {} does not say it", name, origin),
              fmt::format("add it there, or {}", fallback));
}

}  // namespace

std::map<std::string, std::string> fill_variables(const Reader& reader, YAML::Node document,
                                                  const Variables& variables) {
  std::map<std::string, std::string> used;
  Filler(reader, [&](const YAML::Node& node, const Use& use) {
    const auto found = variables.values.find(use.name);
    if (found != variables.values.end()) {
      used.insert(*found);
      return found->second;
    }
    if (!use.fallback) refuse_empty(reader, node, use.name, variables.origin);
    return *use.fallback;
  }).fill(std::move(document));
  return used;
}

std::set<std::string> used_variables(const Reader& reader, YAML::Node document) {
  std::set<std::string> names;
  Filler(reader, [&](const YAML::Node&, const Use& use) {
    names.insert(use.name);
    return std::string();
  }).fill(std::move(document));
  return names;
}

}  // namespace harness::scenario

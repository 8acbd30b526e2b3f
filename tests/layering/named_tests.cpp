#include "tests/layering/named_tests.hpp"

#include <regex>
#include <set>

namespace layering {
namespace {

using std::string;

std::set<string> tests_in(const std::vector<SourceFile>& files) {
  // A long name may stand on the next line.
  static const std::regex test(R"(\bTEST(_F|_P)?\(\s*(\w+),\s*(\w+)\s*\))");
  std::set<string> found;
  for (const auto& file : files) {
    if (!file.path.starts_with("tests/")) continue;
    string text;
    for (const auto& line : file.lines) text += line + "\n";
    for (std::sregex_iterator match(text.begin(), text.end(), test), end; match != end; ++match) {
      found.insert((*match)[2].str() + "." + (*match)[3].str());
    }
  }
  return found;
}

}  // namespace

std::vector<string> unproven_facts(const SourceFile& page, const std::vector<SourceFile>& files) {
  static const std::regex named(R"(`([A-Z]\w*\.[A-Z]\w*)`)");
  const auto known = tests_in(files);
  std::vector<string> result;
  bool in_table = false;  // behind the line under its head
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    const auto& line = page.lines[i];
    const auto place = page.path + ":" + std::to_string(i + 1) + ": ";
    const std::sregex_iterator first(line.begin(), line.end(), named), end;
    if (in_table && line.starts_with("| ") && first == end) result.push_back(place + "a fact without a test");
    for (auto match = first; match != end; ++match) {
      const auto name = (*match)[1].str();
      if (!known.contains(name)) result.push_back(place + "names " + name + ", which is no test");
    }
    in_table = line.starts_with("| ---") || (in_table && line.starts_with("| "));
  }
  return result;
}

}  // namespace layering

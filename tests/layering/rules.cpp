#include "tests/layering/rules.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <string_view>

namespace layering {
namespace {

using std::string;

bool below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

template <std::size_t Size>
bool below_any(std::string_view path, const std::array<std::string_view, Size>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) { return below(path, folder); });
}

constexpr std::array<std::string_view, 2> ground_floor{"backup_engine/base", "backup_engine/postgres"};
constexpr std::array<std::string_view, 8> stages{"harness/provision", "harness/workload", "harness/backup",
                                                 "harness/disaster",  "harness/restore",  "harness/verify",
                                                 "harness/prove",     "harness/measure"};
constexpr std::array<std::string_view, 6> foundations{"harness/server",   "harness/faults", "harness/process",
                                                      "harness/scenario", "harness/config", "harness/plan"};
constexpr std::array<std::string_view, 3> users_of_the_engine{"harness/backup", "harness/restore", "harness/cli"};
constexpr std::array<std::string_view, 5> pure_folders{"harness/scenario", "harness/config", "harness/plan",
                                                       "harness/measure", "reports/render"};
// Headers that one other folder may include, though they bring a heavy library along: lifeboat.yaml is read as strictly
// as scenarios are, and a safety copy's journal as the repository's documents, by the same reader.
struct SharedReader {
  std::string_view header, user;
};
constexpr std::array<SharedReader, 2> shared_readers{
    {{"harness/scenario/yaml_reader.hpp", "harness/config"},
     {"backup_engine/store/json_document.hpp", "backup_engine/restore"}}};

// What a partial restore is made of: servers and programs. Where its scratch server comes from is not its business.
constexpr std::array<std::string_view, 4> under_extract{"harness/extract", "harness/server", "harness/process",
                                                        "reports/record"};
constexpr std::array<std::string_view, 3> users_of_extract{"harness/extract", "harness/cli", "harness/drill"};

bool is_ground_floor(std::string_view path) {
  return below_any(path, ground_floor);
}

// "backup_engine/backup.hpp" is found in backup_engine/include; what has a further folder is the engine's inside.
bool is_public_engine(std::string_view path) {
  return below(path, "backup_engine") && path.find('/', sizeof("backup_engine/") - 1) == std::string_view::npos;
}

std::string_view stage_of(std::string_view path) {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](auto stage) { return below(path, stage); });
  return found == stages.end() ? std::string_view() : *found;
}

// Scenario, plan, measure, renderers and the checks link no libpq and start no process.
bool is_pure(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const bool is_check =
      below(path, "harness/verify") &&
      (name.find("check") == 0 || name.find("_check.") != name.npos || path.find("/checks/") != path.npos);
  return is_check || below_any(path, pure_folders);
}

bool is_impure(std::string_view path) {
  return below(path, "harness/process") || below(path, "harness/server") || below(path, "pqxx") ||
         below(path, "boost/process") || path == "libpq-fe.h" || path == "backup_engine/postgres/connection.hpp";
}

string broken_arrow_of_engine(const string& from, const string& to) {
  if (below(to, "harness") || below(to, "reports") || below(to, "tests")) return "the engine knows nothing of drills";
  if (below(from, "backup_engine/base") && below(to, "backup_engine") && !below(to, "backup_engine/base")) {
    return "backup_engine/base stands on nothing";
  }
  if (below(from, "backup_engine/postgres") && below(to, "backup_engine") && !is_ground_floor(to)) {
    return "the ground floor holds no word of backups";
  }
  return {};
}

string broken_arrow_of_reports(const string& to) {
  if (below(to, "harness")) return "reports never include the harness";
  if (below(to, "backup_engine") && !is_ground_floor(to)) return "reports never include the engine proper";
  return {};
}

string broken_arrow_of_harness(const string& from, const string& to) {
  if (below(to, "backup_engine") && !is_ground_floor(to)) {
    if (!is_public_engine(to)) return "the engine's inside is seen by nobody";
    if (!below_any(from, users_of_the_engine))
      return "only harness/backup, harness/restore and harness/cli see the engine";
  }
  if (below(from, "harness/extract") && (below(to, "harness") || below(to, "reports")) &&
      !below_any(to, under_extract)) {
    return "harness/extract stands on harness/server, harness/process and reports/record";
  }
  if (below(to, "harness/extract") && !below_any(from, users_of_extract)) {
    return "only harness/cli and harness/drill include harness/extract";
  }
  const auto own = stage_of(from), other = stage_of(to);
  if (!own.empty() && !other.empty() && own != other) return "stages never include each other";
  if (below_any(from, foundations) && !other.empty()) return "what the stages stand on never includes a stage";
  if (below(to, "harness/drill") && !below(from, "harness/drill") && !below(from, "harness/cli")) {
    return "only harness/cli includes harness/drill";
  }
  if (below(to, "harness/cli") && !below(from, "harness/cli")) return "nobody includes harness/cli";
  return {};
}

std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/'));
}

string place(const SourceFile& file, std::size_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

}  // namespace

string broken_arrow(const string& from, const string& to) {
  if (below(from, "tests")) return {};
  if (below(to, "tests")) return "only tests include tests";
  if (is_pure(from) && is_impure(to)) return "pure code links no libpq and starts no process";
  if (below(from, "backup_engine")) return broken_arrow_of_engine(from, to);
  if (below(from, "reports")) return broken_arrow_of_reports(to);
  if (below(from, "harness")) return broken_arrow_of_harness(from, to);
  return {};
}

std::vector<string> broken_arrows(const std::vector<SourceFile>& files) {
  std::vector<string> result;
  for (const auto& file : files) {
    for (const auto& include : includes_of(file)) {
      const auto why = broken_arrow(file.path, include.target);
      if (!why.empty()) {
        result.push_back(place(file, static_cast<std::size_t>(include.line)) + "includes " + include.target + ": " +
                         why);
      }
    }
  }
  return result;
}

// A header that brings a heavy library along, itself or through another, is for its own folder (and for tests).
std::vector<string> heavy_headers(const std::vector<SourceFile>& files) {
  static const std::regex heavy(R"(^(pqxx/|boost/|nlohmann/|yaml-cpp/|CLI/|mustache\.hpp|kainjow/))");
  std::set<string> bringers;
  for (std::size_t before = 1; before != bringers.size();) {
    before = bringers.size();
    for (const auto& file : files) {
      if (!file.is_header()) continue;
      for (const auto& include : includes_of(file)) {
        if (std::regex_search(include.target, heavy) || bringers.contains(include.target)) bringers.insert(file.path);
      }
    }
  }
  std::vector<string> result;
  for (const auto& file : files) {
    if (below(file.path, "tests")) continue;
    for (const auto& include : includes_of(file)) {
      if (!bringers.contains(include.target) || folder_of(include.target) == folder_of(file.path)) continue;
      const bool shared = std::any_of(shared_readers.begin(), shared_readers.end(), [&](const auto& reader) {
        return include.target == reader.header && below(file.path, reader.user);
      });
      if (shared) continue;
      result.push_back(place(file, static_cast<std::size_t>(include.line)) + "includes " + include.target +
                       ", which brings a heavy library along: such headers stay in their folder");
    }
  }
  return result;
}

std::vector<string> long_files(const std::vector<SourceFile>& files) {
  std::vector<string> result;
  for (const auto& file : files) {
    if (file.lines.size() > longest_file_lines) {
      result.push_back(file.path + ": has " + std::to_string(file.lines.size()) + " lines, more than " +
                       std::to_string(longest_file_lines));
    }
  }
  return result;
}

std::vector<string> forbidden_calls(const std::vector<SourceFile>& files) {
  static const std::regex forbidden(
      R"((^|[^\w.>])((std::|::)?(system|popen|usleep|nanosleep)\s*\(|(std::this_thread::)?sleep_(for|until)\s*\(|GTEST_SKIP\b))");
  std::vector<string> result;
  for (const auto& file : files) {
    const auto lines = code_lines(file);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::smatch match;
      if (std::regex_search(lines[i], match, forbidden)) {
        result.push_back(place(file, i + 1) + "uses " + match[2].str() +
                         ": no shell, no sleep but poll_until, no skipped test");
      }
    }
  }
  return result;
}

std::vector<string> unlisted_sources(const std::vector<SourceFile>& files,
                                     const std::vector<std::pair<string, string>>& lists) {
  std::vector<string> result;
  for (const auto& file : files) {
    if (file.is_header()) continue;
    const bool listed = std::any_of(lists.begin(), lists.end(), [&](const auto& list) {
      const auto& [folder, text] = list;
      if (!below(file.path, folder)) return false;
      const std::regex name("(^|[\\s/\"(])" +
                            std::regex_replace(file.path.substr(folder.size() + 1), std::regex(R"(\.)"), "\\.") +
                            "($|[\\s\")])");
      return std::regex_search(text, name);
    });
    if (!listed) result.push_back(file.path + ": no CMakeLists.txt lists it, so it is never compiled");
  }
  return result;
}

}  // namespace layering

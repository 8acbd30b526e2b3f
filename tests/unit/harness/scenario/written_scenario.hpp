// A scenario file in a temporary directory, with fixtures around it, for tests of the parser.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

// A sound scenario named "drill"; tests replace one part of it.
inline constexpr std::string_view sound_scenario = R"(scenario: drill
claim: It comes back.
source:
  provision: { dataset: ecommerce }
  wal: { by: stream, synchronous: false }
timeline:
  - load: { for: 1s }
  - backup: full
  - mark: here
  - disaster: lose_server
restore: { kind: full, target: end_of_wal }
verify: [ledger]
)";

// Sound too: a table is dropped while the server lives on, and recovered to the mark before.
inline constexpr std::string_view struck_scenario = R"(scenario: drill
claim: It comes back.
source:
  provision: { dataset: ecommerce }
  wal: { by: stream, synchronous: false }
timeline:
  - load: { for: 1s }
  - backup: full
  - load: { for: 2s }
  - mark: here
  - disaster: { drop_table: shop.orders }
  - load: { for: 3s }
restore: { kind: pitr, target: { mark: here } }
verify: [ledger, content]
)";

[[nodiscard]] inline std::string with(std::string_view part, std::string_view replacement,
                                      std::string_view scenario = sound_scenario) {
  std::string text(scenario);
  const auto at = text.find(part);
  if (at == std::string::npos) throw std::logic_error("the sound scenario has no " + std::string(part));
  return text.replace(at, part.size(), replacement);
}

class WrittenScenario {
 public:
  explicit WrittenScenario(const std::string& text, const std::string& name = "drill.yaml") {
    std::filesystem::create_directories(fixtures() / "datasets" / "ecommerce");
    std::ofstream(fixtures() / "datasets" / "ecommerce" / "dataset.yaml")
        << "databases: [{ name: shop }, { name: shop_archive }]\nload: { database: shop }\n";
    std::filesystem::create_directories(fixtures() / "datasets" / "pgbench");
    std::filesystem::create_directories(fixtures() / "checks");
    std::ofstream(fixtures() / "checks" / "shop.sql") << "SELECT 1;\n";
    file_ = directory_.path() / "scenarios" / name;
    std::filesystem::create_directories(file_.parent_path());
    std::ofstream(file_) << text;
  }

  [[nodiscard]] Scenario parse() const { return parse_scenario(file_, fixtures()); }
  [[nodiscard]] std::filesystem::path fixtures() const { return directory_.path() / "fixtures"; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-scenario"};
  std::filesystem::path file_;
};

// How a text is refused: "LINE:COLUMN: message | remedy", the file's name left out; "accepted" when it is not.
[[nodiscard]] inline std::string refusal_of(const std::string& text) {
  const WrittenScenario written(text);
  try {
    static_cast<void>(written.parse());
  } catch (const backup_engine::base::Error& error) {
    const auto prefix = written.file().string() + ":";
    const std::string message = error.what();
    const auto place = message.starts_with(prefix) ? message.substr(prefix.size()) : "no place: " + message;
    const auto kind = error.kind() == backup_engine::base::ErrorKind::usage ? "" : "not usage: ";
    return kind + place + " | " + error.remedy();
  }
  return "accepted";
}

}  // namespace harness::scenario

// The directory that a drill owns (docs/formats/drill-directory.md): plan, journal, evidence, logs and reports.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace harness::drill {

class DrillDirectory {
 public:
  // Makes PATH, or PATH-2, PATH-3 … where another drill of the scenario has begun in the same second; returns which.
  [[nodiscard]] static std::filesystem::path claim(const std::filesystem::path& path);
  // Makes PATH, which must be absent or empty, with its folders. Throws base::Error(already_exists | permission).
  [[nodiscard]] static DrillDirectory create(const std::filesystem::path& path);
  // An existing one, for judging again. Throws base::Error(not_found) when it holds no plan.json.
  [[nodiscard]] static DrillDirectory open(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path plan() const { return path_ / "plan.json"; }
  [[nodiscard]] std::filesystem::path scenario(std::string_view name) const;  // a copy of the scenario's file
  [[nodiscard]] std::filesystem::path journal() const { return path_ / "journal.jsonl"; }
  [[nodiscard]] std::filesystem::path ledger() const { return path_ / "evidence" / "ledger.log"; }
  [[nodiscard]] std::filesystem::path mark(std::string_view name) const;
  [[nodiscard]] std::filesystem::path marks() const { return path_ / "evidence" / "marks"; }
  [[nodiscard]] std::filesystem::path report() const { return path_ / "report.json"; }
  [[nodiscard]] std::filesystem::path log(std::string_view name) const;  // logs/NAME.log

  // Points SCENARIO/latest at this drill.
  void publish_as_latest() const;

 private:
  explicit DrillDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace harness::drill

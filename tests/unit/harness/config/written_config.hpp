// A lifeboat.yaml in a temporary directory, for tests of its parser.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/config/config.hpp"

namespace harness::config {

class WrittenConfig {
 public:
  explicit WrittenConfig(const std::string& text) { std::ofstream(file()) << text; }

  [[nodiscard]] Config load() const { return config::load(file(), backup_engine::postgres::refuse_password); }
  [[nodiscard]] std::filesystem::path file() const { return folder() / "lifeboat.yaml"; }
  [[nodiscard]] const std::filesystem::path& folder() const { return directory_.path(); }

 private:
  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-config"};
};

// How a text is refused: "LINE:COLUMN: message | remedy", the file's name left out; "accepted" when it is not.
[[nodiscard]] inline std::string refusal_of(const std::string& text) {
  const WrittenConfig written(text);
  try {
    static_cast<void>(written.load());
  } catch (const backup_engine::base::Error& error) {
    const auto prefix = written.file().string() + ":";
    const std::string message = error.what();
    const auto place = message.starts_with(prefix) ? message.substr(prefix.size()) : "no place: " + message;
    const auto* const kind = error.kind() == backup_engine::base::ErrorKind::usage ? "" : "not usage: ";
    return kind + place + " | " + error.remedy();
  }
  return "accepted";
}

}  // namespace harness::config

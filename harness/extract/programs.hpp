// PostgreSQL's own pg_dump, pg_restore and psql, run with files instead of pipes, and what they said when they failed.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/progress.hpp"
#include "harness/server/installation.hpp"

namespace harness::extract {

class Programs {
 public:
  Programs(server::Installation installation, std::filesystem::path directory, std::stop_token stop)
      : installation_(std::move(installation)), directory_(std::move(directory)), stop_(std::move(stop)) {}

  // pg_dump with these arguments into DIRECTORY/NAME. Throws Error(server) with pg_dump's words.
  std::filesystem::path dump(const std::string& conninfo, std::vector<std::string> arguments, const std::string& name,
                             backup_engine::base::Progress* progress = nullptr) const;

  // One line of pg_restore --list.
  struct Entry {
    std::string line;  // as it was, for --use-list
    std::string text;  // "FK CONSTRAINT shop orders orders_customer postgres"
    [[nodiscard]] bool is(const std::string& kind) const { return text.starts_with(kind + " "); }
  };
  enum class Section { before_data, after_data };
  [[nodiscard]] std::vector<Entry> list(const std::filesystem::path& archive, Section section) const;
  // The SQL of these entries, in DIRECTORY/NAME; an empty file when there is none.
  std::filesystem::path write(const std::filesystem::path& archive, const std::vector<Entry>& entries,
                              const std::string& name) const;

  // COPY (SELECT * FROM relation) into DIRECTORY/NAME.
  std::filesystem::path copy_out(const std::string& conninfo, const std::string& relation,
                                 const std::string& name) const;

  // What psql said of a script; a script that failed is an outcome, not an exception.
  struct Told {
    bool success = false;
    std::string output;
    std::string message, sqlstate;  // of the last ERROR or FATAL, without its details: they hold values
  };
  // stop_requested: sends SIGINT, which cancels the statement; the rest is the server's rollback. Throws
  // Error(interrupted | process).
  [[nodiscard]] Told psql(const std::string& conninfo, const std::filesystem::path& script) const;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  std::string run(const std::string& program, const std::vector<std::string>& arguments, const std::string& log,
                  backup_engine::base::Progress* progress, const std::filesystem::path& growing) const;

  server::Installation installation_;
  std::filesystem::path directory_;
  std::stop_token stop_;
};

}  // namespace harness::extract

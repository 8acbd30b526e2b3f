#include "harness/provision/provision.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/provision/system_identifier.hpp"
#include "harness/provision/template_cache.hpp"
#include "harness/server/server.hpp"

namespace harness::provision {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

constexpr auto resetwal_patience = std::chrono::minutes(1);

std::string quoted(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += c;
    text += c;
  }
  return "'" + text + "'";
}

void append_settings(const ClusterOptions& options) {
  if (options.settings.empty()) return;
  std::string text = "\n# Lifeboat\n";
  for (const auto& [name, value] : options.settings) text += fmt::format("{} = {}\n", name, quoted(value));
  const auto file = options.data_directory / "postgresql.conf";
  const backup_engine::base::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) throw backup_engine::base::system_error(errno, "open", file.string());
  backup_engine::base::write_all(fd.get(), std::as_bytes(std::span(text)), file);
}

// New WAL, whose pages carry the new system identifier.
void reset_wal(const ClusterOptions& options) {
  process::Command command;
  command.program = server::require_program(options.installation, "pg_resetwal");
  command.arguments = {"--pgdata=" + options.data_directory.string()};
  command.run_as = options.run_as;
  const auto done = process::run(command, Deadline::after(resetwal_patience));
  if (done.status.success()) return;
  throw Error(ErrorKind::process, fmt::format("pg_resetwal ended with {}", process::to_text(done.status)))
      .of_command(process::to_text(command))
      .with_log_tail(done.output)
      .with_remedy("the server's user must be able to reach the directory; name another one with --work-dir");
}

}  // namespace

void make_cluster(const ClusterOptions& options) {
  server::refuse_unfit_user(options.run_as);
  if (fs::exists(fs::symlink_status(options.data_directory))) {
    throw Error(ErrorKind::already_exists, fmt::format("{} is there already", options.data_directory.string()))
        .with_remedy("a new cluster wants a directory that does not exist yet");
  }
  if (!fs::is_directory(options.data_directory.parent_path())) {
    throw Error(ErrorKind::not_found,
                fmt::format("no directory {} to put a cluster in", options.data_directory.parent_path().string()));
  }
  copy_template(options);
  try {
    set_system_identifier(options.data_directory, fresh_system_identifier());
    reset_wal(options);
    append_settings(options);
  } catch (const std::exception&) {
    fs::remove_all(options.data_directory);  // made a moment ago
    throw;
  }
}

}  // namespace harness::provision

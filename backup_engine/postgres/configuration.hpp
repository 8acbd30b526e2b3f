// PostgreSQL's configuration files as text: settings, includes and quoting (documentation, "Setting Parameters").
// Files are read through a function, so that a backup can follow includes on disk and a restore those that it holds.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backup_engine::postgres {

struct Setting {
  std::string name;   // lower case
  std::string value;  // unquoted
};

// The setting that one line of postgresql.conf makes, include directives too; nullopt for blank lines, comments and
// lines that are none.
[[nodiscard]] std::optional<Setting> parse_setting(std::string_view line);

// 'value', with quotes and backslashes as a configuration file wants them. Throws Error(usage) for a line break.
[[nodiscard]] std::string quote_setting(std::string_view value);

// One word of a command that PostgreSQL gives to /bin/sh (restore_command, archive_command): in single quotes, and what
// looks like a placeholder (%p) inside means itself.
[[nodiscard]] std::string quote_for_shell(std::string_view word);

// `text` without the lines that set one of `names`; everything else is kept to the byte.
[[nodiscard]] std::string without_settings(std::string_view text, const std::set<std::string>& names);

enum class ConfigurationKind {
  settings,  // postgresql.conf: include 'file'
  records,   // pg_hba.conf, pg_ident.conf: include file (from 16 on)
};

struct ConfigurationReader {
  // The text of a file; nullopt when there is none. Paths are absolute and lexically normal.
  std::function<std::optional<std::string>(const std::filesystem::path&)> read;
  // The names in a directory, in any order; empty when there is none.
  std::function<std::vector<std::string>(const std::filesystem::path&)> list;
};

// All files that `path` includes, itself first, in the order in which PostgreSQL reads them. Missing files are left
// out.
[[nodiscard]] std::vector<std::filesystem::path> included_files(const std::filesystem::path& path,
                                                                ConfigurationKind kind,
                                                                const ConfigurationReader& reader);

// One text that means what `path` and its includes mean, each include directive replaced by what it names.
[[nodiscard]] std::string flatten(const std::filesystem::path& path, ConfigurationKind kind,
                                  const ConfigurationReader& reader);

}  // namespace backup_engine::postgres

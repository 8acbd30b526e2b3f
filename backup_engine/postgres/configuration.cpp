#include "backup_engine/postgres/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {

namespace fs = std::filesystem;

namespace {

constexpr int deepest_nesting = 10;  // CONF_FILE_MAX_DEPTH

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == '\n';
}

std::string_view skip_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return result;
}

// What follows a backslash in a quoted value: \b \f \n \r \t, up to three octal digits, or the character itself.
void append_escape(std::string_view text, std::size_t& at, std::string& value) {
  constexpr std::string_view letters = "bfnrt", meanings = "\b\f\n\r\t";
  if (const auto known = letters.find(text[at]); known != std::string_view::npos) {
    value += meanings[known];
  } else if (text[at] >= '0' && text[at] <= '7') {
    int code = 0;
    const auto end = std::min(at + 3, text.size());
    for (; at < end && text[at] >= '0' && text[at] <= '7'; ++at) code = code * 8 + (text[at] - '0');
    value += static_cast<char>(code);
    --at;
  } else {
    value += text[at];
  }
}

// The value that begins with a quote; nullopt when it does not end.
std::optional<std::string> quoted_value(std::string_view text) {
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\'') {
      if (i + 1 >= text.size() || text[i + 1] != '\'') return value;
      value += text[++i];
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      append_escape(text, ++i, value);
    } else {
      value += text[i];
    }
  }
  return std::nullopt;
}

template <typename Use>
void for_each_line(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    use(line);
    text.remove_prefix(line.size());
  }
}

enum class Include { file, file_if_exists, directory };
struct IncludeDirective {
  Include what;
  fs::path path;
};

std::optional<IncludeDirective> include_directive(std::string_view line, const fs::path& directory) {
  const auto setting = parse_setting(line);
  if (!setting) return std::nullopt;
  const auto path = (directory / setting->value).lexically_normal();
  if (setting->name == "include") return IncludeDirective{Include::file, path};
  if (setting->name == "include_if_exists") return IncludeDirective{Include::file_if_exists, path};
  if (setting->name == "include_dir") return IncludeDirective{Include::directory, path};
  return std::nullopt;
}

// pg_hba.conf quotes names with double quotes; the directive's keyword is the first word.
std::optional<IncludeDirective> record_include(std::string_view line, const fs::path& directory) {
  const auto text = skip_spaces(line);
  if (text.substr(0, 7) != "include") return std::nullopt;
  std::string simple(text);
  std::replace(simple.begin(), simple.end(), '"', '\'');
  return include_directive(simple, directory);
}

// Calls `line` for every line that is no include and `begin` for every file, in PostgreSQL's order.
struct Walk {
  ConfigurationKind kind;
  const ConfigurationReader& reader;
  std::function<void(const fs::path&)> begin;
  std::function<void(std::string_view)> line;

  void file(const fs::path& path, int depth) const {
    if (depth > deepest_nesting) {
      throw base::Error(base::ErrorKind::usage,
                        fmt::format("configuration files are nested too deep: {}", path.string()));
    }
    const auto text = reader.read(path);
    if (!text) return;
    begin(path);
    for_each_line(*text, [&](std::string_view each) {
      const auto include = kind == ConfigurationKind::settings ? include_directive(each, path.parent_path())
                                                               : record_include(each, path.parent_path());
      if (!include) return line(each);
      if (include->what != Include::directory) return file(include->path, depth + 1);
      auto names = reader.list(include->path);
      std::sort(names.begin(), names.end());
      for (const auto& name : names) {
        if (name.front() != '.' && name.ends_with(".conf")) file(include->path / name, depth + 1);
      }
    });
  }
};

}  // namespace

std::optional<Setting> parse_setting(std::string_view line) {
  line = skip_spaces(line);
  std::size_t end = 0;
  while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) != 0 || line[end] == '_' ||
                               line[end] == '.' || line[end] == '$')) {
    ++end;
  }
  if (end == 0) return std::nullopt;
  Setting setting{lower(line.substr(0, end)), {}};
  line = skip_spaces(line.substr(end));
  if (!line.empty() && line.front() == '=') line = skip_spaces(line.substr(1));
  if (line.empty() || line.front() == '#') return std::nullopt;
  if (line.front() == '\'') {
    auto value = quoted_value(line);
    if (!value) return std::nullopt;
    setting.value = std::move(*value);
  } else {
    end = 0;
    while (end < line.size() && !is_space(line[end]) && line[end] != '#') ++end;
    setting.value = line.substr(0, end);
  }
  return setting;
}

std::string quote_setting(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\n' || c == '\r') {
      throw base::Error(base::ErrorKind::usage, fmt::format("a setting cannot hold a line break: {}", value));
    }
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string quote_for_shell(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
      if (c == '%') quoted += c;
    }
  }
  return quoted + "'";
}

std::string without_settings(std::string_view text, const std::set<std::string>& names) {
  std::string kept;
  for_each_line(text, [&](std::string_view line) {
    const auto setting = parse_setting(line);
    if (!setting || !names.contains(setting->name)) kept += line;
  });
  return kept;
}

std::vector<fs::path> included_files(const fs::path& path, ConfigurationKind kind, const ConfigurationReader& reader) {
  std::vector<fs::path> files;
  const auto add = [&](const fs::path& file) {
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  };
  Walk{kind, reader, add, [](std::string_view) {}}.file(path.lexically_normal(), 0);
  return files;
}

std::string flatten(const fs::path& path, ConfigurationKind kind, const ConfigurationReader& reader) {
  std::string text;
  const auto end_line = [&] {
    if (!text.empty() && text.back() != '\n') text += '\n';
  };
  const auto begin = [&](const fs::path& file) {
    end_line();
    text += fmt::format("# from {}\n", file.string());
  };
  const auto line = [&](std::string_view each) {
    end_line();  // an included file's last line may lack its end
    text += each;
  };
  Walk{kind, reader, begin, line}.file(path.lexically_normal(), 0);
  end_line();
  return text;
}

}  // namespace backup_engine::postgres

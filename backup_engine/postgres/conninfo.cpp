#include "backup_engine/postgres/conninfo.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {

using base::Error;
using base::ErrorKind;

namespace {

using Keywords = std::vector<std::pair<std::string, std::string>>;

// The message never repeats the conninfo: what could not be parsed may still hold a password.
Keywords parse(const std::string& conninfo) {
  char* raw_message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(conninfo.c_str(), &raw_message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> message(raw_message, &PQfreemem);
  if (!options) {
    throw Error(ErrorKind::usage, "the connection string cannot be parsed")
        .with_remedy(
            "write it as libpq does: keyword=value pairs (values with spaces in single quotes) or a "
            "postgresql:// URI");
  }
  Keywords keywords;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords.emplace_back(option->keyword, option->val);
  }
  return keywords;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Keywords of libpq up to 18. A libpq too old for the last three refuses them by itself, where they are keywords.
constexpr std::array<std::string_view, 5> secrets = {"password", "sslpassword", "scram_client_key", "scram_server_key",
                                                     "oauth_client_secret"};

// "password =" at the end of a word: password=…, sslpassword=…, but not password_encryption=….
bool assigns(const std::string& lowered, std::string_view word) {
  for (auto at = lowered.find(word); at != std::string::npos; at = lowered.find(word, at + 1)) {
    const auto next = lowered.find_first_not_of(" \t\n", at + word.size());
    if (next != std::string::npos && lowered[next] == '=') return true;
  }
  return false;
}

bool assigns_a_secret(const std::string& text) {
  return std::ranges::any_of(secrets, [lowered = lower(text)](auto word) { return assigns(lowered, word); });
}

Error secret_refused(std::string_view where) {
  return Error(ErrorKind::usage, fmt::format("the connection string holds a password or another secret ({})", where))
      .with_remedy(
          "leave it out: it would show in process lists and logs. Put it in a passfile (~/.pgpass), a service "
          "file (~/.pg_service.conf) or the environment (PGPASSFILE, PGPASSWORD)");
}

std::string quoted(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

}  // namespace

void refuse_password(const std::string& conninfo) {
  for (const auto& [keyword, value] : parse(conninfo)) {
    if (std::ranges::find(secrets, keyword) != secrets.end()) throw secret_refused(keyword);
    // libpq's programs expand a dbname that is itself a conninfo; server settings given in options are as visible.
    const bool nested_uri = keyword == "dbname" && value.find("://") != std::string::npos;
    if (nested_uri) refuse_password(value);
    if ((keyword == "dbname" || keyword == "options") && assigns_a_secret(value)) throw secret_refused(keyword);
  }
}

std::string with_keyword(const std::string& conninfo, std::string_view keyword, std::string_view value) {
  std::string text;
  for (const auto& [name, old_value] : parse(conninfo)) {
    if (name != keyword) text += fmt::format("{}={} ", name, quoted(old_value));
  }
  return text + fmt::format("{}={}", keyword, quoted(value));
}

std::string with_more_options(const std::string& conninfo, std::string_view more) {
  std::string options;
  for (const auto& [name, value] : parse(conninfo)) {
    if (name == "options" && !value.empty()) options = value + " ";
  }
  return with_keyword(conninfo, "options", options.append(more));
}

}  // namespace backup_engine::postgres

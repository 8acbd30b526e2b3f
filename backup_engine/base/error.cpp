#include "backup_engine/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace backup_engine::base {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::already_exists:
      return "already exists";
    case ErrorKind::permission:
      return "permission denied";
    case ErrorKind::no_space:
      return "no space";
    case ErrorKind::io:
      return "input/output";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::mismatch:
      return "mismatch";
    case ErrorKind::connection:
      return "connection";
    case ErrorKind::server:
      return "server";
    case ErrorKind::process:
      return "process";
    case ErrorKind::timed_out:
      return "timed out";
    case ErrorKind::interrupted:
      return "interrupted";
    case ErrorKind::internal:
      return "internal";
  }
  return "unknown";
}

Error& Error::with_remedy(std::string text) {
  remedy_ = std::move(text);
  return *this;
}

Error& Error::in_phase(std::string name) {
  phase_ = std::move(name);
  return *this;
}

Error& Error::of_command(std::string text) {
  command_ = std::move(text);
  return *this;
}

Error& Error::with_log_tail(std::string text) {
  log_tail_ = std::move(text);
  return *this;
}

Error& Error::with_sqlstate(std::string code) {
  sqlstate_ = std::move(code);
  return *this;
}

std::string describe(const Error& error) {
  std::string text = fmt::format("lifeboat: {}", error.what());
  if (!error.remedy().empty()) text += fmt::format("\n  what to do: {}", error.remedy());
  if (!error.command().empty()) text += fmt::format("\n  command: {}", error.command());
  if (!error.log_tail().empty()) text += fmt::format("\n  its last words:\n{}", error.log_tail());
  return text;
}

Error system_error(int error_number, std::string_view action, std::string_view path) {
  const auto kind = [&] {
    switch (error_number) {
      case ENOENT:
        return ErrorKind::not_found;
      case EEXIST:
      case ENOTEMPTY:
        return ErrorKind::already_exists;
      case EACCES:
      case EPERM:
      case EROFS:
        return ErrorKind::permission;
      case ENOSPC:
      case EDQUOT:
        return ErrorKind::no_space;
      default:
        return ErrorKind::io;
    }
  }();
  return {kind, fmt::format("cannot {}: {}: {}", action, path, std::generic_category().message(error_number))};
}

}  // namespace backup_engine::base

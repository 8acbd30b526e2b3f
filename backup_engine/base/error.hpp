// The one error type of the project: what happened, to what, and what to do next.
// What a drill finds out (a missing row, a corrupt page) is data and never thrown; this is for work that could
// not be carried out. Its kind decides the exit code (docs/architecture.md, "Exit codes").
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace backup_engine::base {

enum class ErrorKind {
  usage,           // the command line, a scenario or a configuration is wrong
  unsupported,     // a PostgreSQL major, a platform or a format version that Lifeboat does not know
  not_found,       // something named does not exist
  already_exists,  // something that must not exist does
  permission,      // the operating system or PostgreSQL said no
  no_space,        // checked beforehand, or ENOSPC
  io,              // any other failure of the operating system
  corrupt,         // bytes that are not what their hash, checksum or grammar says
  mismatch,        // two things that must belong together do not (a repository of another cluster)
  connection,      // a database connection could not be made or was lost
  server,          // PostgreSQL reported an ERROR; sqlstate() says which
  process,         // a program could not be started or ended badly
  timed_out,       // a wait reached its deadline
  interrupted,     // SIGINT, SIGTERM or a stop request
  internal,        // a defect of Lifeboat
};

[[nodiscard]] std::string_view to_string(ErrorKind kind);

// message: "what happened: to what". The other properties are empty until set; setters return *this so that
// an error reads as one sentence:  throw Error(ErrorKind::not_found, "...").with_remedy("...");
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }      // what to do next
  [[nodiscard]] const std::string& phase() const { return phase_; }        // of the drill or verb
  [[nodiscard]] const std::string& command() const { return command_; }    // argument vector, joined for reading
  [[nodiscard]] const std::string& log_tail() const { return log_tail_; }  // last lines of the program's output
  [[nodiscard]] const std::string& sqlstate() const { return sqlstate_; }  // five characters, kind server only

  Error& with_remedy(std::string text);
  Error& in_phase(std::string name);
  Error& of_command(std::string text);
  Error& with_log_tail(std::string text);
  Error& with_sqlstate(std::string code);

 private:
  ErrorKind kind_;
  std::string remedy_, phase_, command_, log_tail_, sqlstate_;
};

// "lifeboat: MESSAGE" and, each on its own indented line, remedy, command and log tail where set.
[[nodiscard]] std::string describe(const Error& error);

// An Error of the kind that `error_number` (an errno) means, with "action: path: strerror".
[[nodiscard]] Error system_error(int error_number, std::string_view action, std::string_view path);

}  // namespace backup_engine::base

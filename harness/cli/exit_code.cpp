#include "harness/cli/exit_code.hpp"

#include <algorithm>
#include <array>

#include "reports/record/summary.hpp"

namespace harness::cli {

using backup_engine::base::ErrorKind;

ExitCode exit_code_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::unsupported:
    case ErrorKind::not_found:
    case ErrorKind::already_exists:
    case ErrorKind::mismatch:
      return ExitCode::usage;
    case ErrorKind::corrupt:
      return ExitCode::fail;
    case ErrorKind::interrupted:
      return ExitCode::interrupted;
    case ErrorKind::permission:
    case ErrorKind::no_space:
    case ErrorKind::io:
    case ErrorKind::connection:
    case ErrorKind::server:
    case ErrorKind::process:
    case ErrorKind::timed_out:
    case ErrorKind::internal:
      return ExitCode::unknown;
  }
  return ExitCode::unknown;
}

ExitCode exit_code_for(const reports::record::Report& report) {
  using reports::record::Verdict;
  const auto recovery = reports::record::recovery_verdict(report);
  if (recovery == Verdict::fail) return ExitCode::fail;
  if (recovery == Verdict::unknown) return ExitCode::unknown;
  return report.cleanup.verdict == Verdict::pass ? ExitCode::pass : ExitCode::cleanup;
}

ExitCode worst(const std::vector<ExitCode>& codes) {
  constexpr std::array order{ExitCode::interrupted, ExitCode::usage,   ExitCode::fail,
                             ExitCode::unknown,     ExitCode::cleanup, ExitCode::pass};
  for (const auto code : order) {
    if (std::find(codes.begin(), codes.end(), code) != codes.end()) return code;
  }
  return ExitCode::pass;
}

}  // namespace harness::cli

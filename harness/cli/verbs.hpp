// What each verb does, and the exit code it ends with. Errors are thrown; main turns them into words and a code.
#pragma once

#include <stop_token>
#include <vector>

#include "harness/cli/command_line.hpp"
#include "harness/cli/exit_code.hpp"

namespace harness::cli {

// repository_verbs.cpp
[[nodiscard]] ExitCode execute(const RepoInitVerb& verb);
[[nodiscard]] ExitCode execute(const RepoNewKeyVerb& verb);
[[nodiscard]] ExitCode execute(const RepoRekeyVerb& verb);

// engine_verbs.cpp
[[nodiscard]] ExitCode execute(const BackupVerb& verb, const std::stop_token& stop);
[[nodiscard]] ExitCode execute(const ListVerb& verb);
[[nodiscard]] ExitCode execute(const VerifyVerb& verb, const std::stop_token& stop);
[[nodiscard]] ExitCode execute(const RestoreVerb& verb, const std::stop_token& stop);

// safety_copy_verb.cpp
[[nodiscard]] ExitCode execute(const SafetyCopyVerb& verb);

// expire_verb.cpp
[[nodiscard]] ExitCode execute(const ExpireVerb& verb);

// wal_verbs.cpp
[[nodiscard]] ExitCode execute(const WalReceiveVerb& verb, const std::stop_token& stop);
[[nodiscard]] ExitCode execute(const WalPushVerb& verb);
[[nodiscard]] ExitCode execute(const WalCheckVerb& verb);
// Follows PostgreSQL's restore_command contract; never throws.
[[nodiscard]] int execute(const WalFetchVerb& verb) noexcept;

// extract_verb.cpp
[[nodiscard]] ExitCode execute(const ExtractVerb& verb, const std::stop_token& stop);

// drill_verbs.cpp
[[nodiscard]] ExitCode execute(const RunVerb& verb, const std::stop_token& stop);
// Runs what was planned for `verb`, prints the results and records drills of stored backups.
[[nodiscard]] ExitCode run_drills(const std::vector<plan::Plan>& plans, const RunVerb& verb,
                                  const std::stop_token& stop);
[[nodiscard]] ExitCode execute(const ValidateVerb& verb);
[[nodiscard]] ExitCode execute(const PlanVerb& verb);
[[nodiscard]] ExitCode execute(const JudgeVerb& verb);
[[nodiscard]] ExitCode execute(const ReportVerb& verb);

// doctor_verb.cpp
[[nodiscard]] ExitCode execute(const DoctorVerb& verb);

}  // namespace harness::cli

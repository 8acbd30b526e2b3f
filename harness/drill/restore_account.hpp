// What the report says of a restore, however it came about: what was asked for, how it went, and how long it took.
#pragma once

#include <functional>
#include <optional>

#include "harness/drill/judgement.hpp"
#include "harness/drill/recovery.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

[[nodiscard]] reports::record::RestoreRecord restore_asked_for(const plan::Plan& plan, const ResolvedTarget& target);

// Runs the restore; one that comes to nothing is an answer to the drill's question, and not a drill that broke: what
// `restore` throws goes into the report as a restore that was refused or failed, and is thrown on. false: it was
// refused, and the scenario expects a refusal; nothing came back, and there is nothing but that to judge.
[[nodiscard]] bool restore_or_tell(const Context& context, const ResolvedTarget& target,
                                   reports::record::Report& report, const std::function<void()>& restore);

// The end of a drill for which restore_or_tell said false; as judge().
void judge_refusal(const Context& context, reports::record::Report& report, const Judged& judged);

// database_bytes: of what came back.
void note_restore(reports::record::Report& report, reports::record::RestoreRecord restore, const Course& course,
                  std::optional<std::uint64_t> database_bytes);
// What is over now was the last phase.
void note_verified(reports::record::Report& report, const Course& course);

// Of the databases that the plan restores, as PostgreSQL counts them; nullopt when there is none. Throws base::Error.
[[nodiscard]] std::optional<std::uint64_t> restored_bytes(const Context& context, const server::Server& server);

}  // namespace harness::drill

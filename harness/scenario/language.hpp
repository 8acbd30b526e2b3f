// The words of the scenario language: every key of every mapping and every word that a value may be. The parser, its
// error messages and the test that holds scenarios/scenario.schema.json to the parser all read these tables.
// docs/scenarios.md explains them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

// drawn: required, but for a random scenario, which draws it. not_delivered: understood, and refused by name, because
// the feature behind it is not there yet.
enum class Standing { required, optional, drawn, not_delivered };

struct Key {
  std::string_view name;
  Standing standing = Standing::required;
};

inline constexpr std::array scenario_keys{Key{"scenario"},
                                          Key{"claim"},
                                          Key{"source"},
                                          Key{"repository", Standing::optional},
                                          Key{"timeline", Standing::optional},  // a stored backup has none
                                          Key{"restore", Standing::drawn},
                                          Key{"verify", Standing::optional},  // none where a refusal is expected
                                          Key{"prove", Standing::optional},
                                          Key{"objectives", Standing::optional},
                                          Key{"random", Standing::optional},
                                          Key{"repeat", Standing::optional}};
inline constexpr std::array source_keys{Key{"provision"}, Key{"load", Standing::optional}, Key{"wal", Standing::drawn}};
// A source that has the first of these is a stored backup.
inline constexpr std::array stored_source_keys{Key{"repository"},
                                               Key{"cluster"},
                                               Key{"backup", Standing::optional},
                                               Key{"key_file", Standing::optional},
                                               Key{"database", Standing::optional},
                                               Key{"superuser", Standing::optional}};
inline constexpr std::string_view latest_backup = "latest";
inline constexpr std::array repository_keys{Key{"encrypted"}};
inline constexpr std::array provision_keys{Key{"dataset"}, Key{"scale", Standing::optional},
                                           Key{"checksums", Standing::optional}, Key{"postgres", Standing::optional},
                                           Key{"settings", Standing::optional}};
inline constexpr std::array load_profile_keys{Key{"writers", Standing::optional}, Key{"rate", Standing::optional}};
inline constexpr std::array wal_keys{Key{"by"}, Key{"synchronous"}};
// A step is a mapping with exactly one of these.
inline constexpr std::array step_keys{Key{"load", Standing::optional}, Key{"backup", Standing::optional},
                                      Key{"mark", Standing::optional}, Key{"restore_point", Standing::optional},
                                      Key{"disaster", Standing::optional}};
inline constexpr std::array load_step_keys{Key{"for"}, Key{"keep_running", Standing::optional}};
inline constexpr std::array backup_step_keys{Key{"type"}, Key{"by", Standing::optional}};
// Which of the optional ones a kind of restore takes, restore_parser.cpp knows.
inline constexpr std::array restore_keys{Key{"kind"},
                                         Key{"target", Standing::optional},  // but of a sweep all must have it
                                         Key{"action", Standing::optional},
                                         Key{"points", Standing::optional},
                                         Key{"tables", Standing::optional},
                                         Key{"schema", Standing::optional},
                                         Key{"database", Standing::optional},
                                         Key{"where", Standing::optional},
                                         Key{"into", Standing::optional},
                                         Key{"suffix", Standing::optional},
                                         Key{"in_place", Standing::optional},
                                         Key{"roll_back", Standing::optional},
                                         Key{"expect", Standing::optional},
                                         Key{"struck_by", Standing::optional}};
inline constexpr std::array expect_keys{Key{"refused"}};
inline constexpr std::string_view recovered_word = "recovered";
inline constexpr std::array corrupt_page_keys{Key{"table"}, Key{"checksum", Standing::optional}};
inline constexpr std::array encrypt_files_keys{Key{"newest_backups"}};
// A target in a mapping has exactly one of the first five.
inline constexpr std::array target_keys{Key{"mark", Standing::optional}, Key{"name", Standing::optional},
                                        Key{"time", Standing::optional}, Key{"lsn", Standing::optional},
                                        Key{"xid", Standing::optional},  Key{"inclusive", Standing::optional}};
inline constexpr std::array sql_check_keys{Key{"sql"}};
inline constexpr std::array objective_keys{Key{"rto", Standing::optional},   Key{"rpo", Standing::optional},
                                           Key{"small", Standing::optional}, Key{"medium", Standing::optional},
                                           Key{"large", Standing::optional}, Key{"at_size", Standing::optional}};
inline constexpr std::array size_objective_keys{Key{"rto", Standing::optional}, Key{"rpo", Standing::optional}};

// What ${…} may name. Any other name is refused, so that a slip of the pen does not silently take its default.
inline constexpr std::array<std::string_view, 15> variable_names{
    "cluster",   "repository", "key_file",  "connection", "pgdata",     "slot",      "rto",    "rpo",
    "rto_small", "rto_medium", "rto_large", "rpo_small",  "rpo_medium", "rpo_large", "at_size"};

// A word that a value may be; without a meaning it belongs to a feature that is not delivered yet.
template <typename Meaning>
struct Word {
  std::string_view text;
  std::optional<Meaning> meaning;
};

inline constexpr std::array backup_words{Word<BackupType>{"full", BackupType::full},
                                         Word<BackupType>{"differential", BackupType::differential},
                                         Word<BackupType>{"incremental", BackupType::incremental}};
inline constexpr std::array method_words{Word<BackupMethod>{"files", BackupMethod::files},
                                         Word<BackupMethod>{"stream", BackupMethod::stream}};
inline constexpr std::array transport_words{Word<WalTransport>{"stream", WalTransport::stream},
                                            Word<WalTransport>{"archive", WalTransport::archive}};
inline constexpr std::array restore_words{
    Word<RestoreKind>{"full", RestoreKind::full}, Word<RestoreKind>{"pitr", RestoreKind::pitr},
    Word<RestoreKind>{"partial", RestoreKind::partial}, Word<RestoreKind>{"pitr_sweep", RestoreKind::pitr_sweep}};
inline constexpr std::array target_words{Word<TargetKind>{"end_of_wal", TargetKind::end_of_wal},
                                         Word<TargetKind>{"immediate", TargetKind::immediate}};
// The keys of a target that is a point of the timeline.
inline constexpr std::array point_words{
    Word<TargetKind>{"mark", TargetKind::mark}, Word<TargetKind>{"name", TargetKind::name},
    Word<TargetKind>{"time", TargetKind::time}, Word<TargetKind>{"lsn", TargetKind::lsn},
    Word<TargetKind>{"xid", TargetKind::xid}};
inline constexpr std::array size_words{Word<SizeClass>{"small", SizeClass::small},
                                       Word<SizeClass>{"medium", SizeClass::medium},
                                       Word<SizeClass>{"large", SizeClass::large}};
inline constexpr std::array action_words{Word<TargetAction>{"promote", TargetAction::promote},
                                         Word<TargetAction>{"pause", TargetAction::pause},
                                         Word<TargetAction>{"shutdown", TargetAction::shutdown}};
inline constexpr std::array placement_words{Word<Placement>{"replace", Placement::replace},
                                            Word<Placement>{"beside", Placement::beside}};
// All but sql, which is a mapping.
inline constexpr std::array check_words{Word<CheckKind>{"ledger", CheckKind::ledger},
                                        Word<CheckKind>{"content", CheckKind::content},
                                        Word<CheckKind>{"page_checksums", CheckKind::page_checksums},
                                        Word<CheckKind>{"amcheck", CheckKind::amcheck},
                                        Word<CheckKind>{"verifybackup", CheckKind::verifybackup},
                                        Word<CheckKind>{"constraints", CheckKind::constraints},
                                        Word<CheckKind>{"catalog", CheckKind::catalog},
                                        Word<CheckKind>{"sequences", CheckKind::sequences},
                                        Word<CheckKind>{"settings", CheckKind::settings},
                                        Word<CheckKind>{"untouched", CheckKind::untouched}};
// A disaster is its word, or a mapping from the word to its argument.
enum class Argument { none, table, assignments, schema, database, point, backup, page, files };
inline constexpr std::array disaster_words{
    Word<Argument>{"lose_server", Argument::none},     Word<Argument>{"kill_server", Argument::none},
    Word<Argument>{"drop_table", Argument::table},     Word<Argument>{"delete_rows", Argument::table},
    Word<Argument>{"truncate_table", Argument::table}, Word<Argument>{"update_rows", Argument::assignments},
    Word<Argument>{"drop_schema", Argument::schema},   Word<Argument>{"drop_database", Argument::database},
    Word<Argument>{"lose_file", Argument::table},      Word<Argument>{"truncate_file", Argument::table},
    Word<Argument>{"corrupt_page", Argument::page},    Word<Argument>{"encrypt_files", Argument::files},
    Word<Argument>{"lose_segment", Argument::point},   Word<Argument>{"damage_segment", Argument::point},
    Word<Argument>{"lose_key", Argument::none},        Word<Argument>{"break_archiving", Argument::none},
    Word<Argument>{"mend_archiving", Argument::none},  Word<Argument>{"interrupt_backup", Argument::backup},
    Word<Argument>{"fail_over", Argument::none},       Word<Argument>{"fill_disk", Argument::none}};
inline constexpr std::array strike_words{Word<SecondDisaster>{"kill_server", SecondDisaster::kill_server},
                                         Word<SecondDisaster>{"kill_restore", SecondDisaster::kill_restore}};
// Whether a damaged page's checksum gives it away.
inline constexpr std::array checksum_words{Word<bool>{"stale", false}, Word<bool>{"recomputed", true}};
// Why the engine refuses a restore: its own words (backup_engine/refusal.hpp), which a test holds to these.
inline constexpr std::array<std::string_view, 9> refusal_words{
    "no_repository", "no_backup",          "backup_damaged", "wal_gap",  "wal_damaged",
    "wal_minimal",   "target_unreachable", "key_missing",    "key_wrong"};

}  // namespace harness::scenario

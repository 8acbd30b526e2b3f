// Why the engine will not restore: the words of base::Refusal, a closed list (docs/restore.md, "Refusals").
#pragma once

#include <array>
#include <string_view>

namespace backup_engine::refusal {

inline constexpr std::string_view no_repository = "no_repository";  // nothing there is a repository
inline constexpr std::string_view no_backup = "no_backup";          // it holds none of the cluster that leads there
inline constexpr std::string_view backup_damaged = "backup_damaged";
inline constexpr std::string_view wal_gap = "wal_gap";          // WAL on the way is not held, and WAL behind it is
inline constexpr std::string_view wal_damaged = "wal_damaged";  // held, and not what was written
inline constexpr std::string_view wal_minimal = "wal_minimal";  // written with wal_level = minimal on the way
inline constexpr std::string_view target_unreachable = "target_unreachable";  // nowhere in the WAL held
inline constexpr std::string_view key_missing = "key_missing";                // encrypted, and no key is at hand
inline constexpr std::string_view key_wrong = "key_wrong";

inline constexpr std::array all{no_repository, no_backup,          backup_damaged, wal_gap,  wal_damaged,
                                wal_minimal,   target_unreachable, key_missing,    key_wrong};

}  // namespace backup_engine::refusal

// The settings that make a restored directory recover by itself: postgresql.auto.conf, which outranks postgresql.conf.
// What the source had set for a recovery of its own is taken out or overridden (docs/formats/backup.md).
#pragma once

#include <string>
#include <string_view>

#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore.hpp"

namespace backup_engine::restore {

// The program for restore_command: lifeboat-wal-fetch, which starts faster, where it lies beside `lifeboat`; else that.
[[nodiscard]] std::filesystem::path wal_fetch_program(const std::filesystem::path& lifeboat);

// What PostgreSQL hands to /bin/sh: '<lifeboat>' wal fetch --repo '<location>' --cluster '<name>' %f %p, quoted for the
// shell and with every % that is not a placeholder doubled; --key-file too, unless it is empty. lifeboat-wal-fetch is
// called without the verb.
[[nodiscard]] std::string restore_command(const std::filesystem::path& lifeboat, const std::string& repository,
                                          const std::string& cluster, const std::filesystem::path& key_file = {});
// The same from a WalServer at `socket`.
[[nodiscard]] std::string served_restore_command(const std::filesystem::path& lifeboat,
                                                 const std::filesystem::path& socket);

// `auto_conf` (the source's postgresql.auto.conf) without inherited recovery settings, with those of this restore after
// it. `configuration` is the restored postgresql.conf: where it asks for less than hot standby needs (`control`'s
// limits), the limits are raised. `target` is spelled for PostgreSQL (target_value.hpp).
[[nodiscard]] std::string recovery_configuration(std::string_view auto_conf, std::string_view configuration,
                                                 const postgres::ControlFile& control, const RecoveryTarget& target,
                                                 const std::string& command, ArchiveMode archive_mode);

// What whoever ordered the restore should know of its archiving, where `auto_conf` and `configuration` (as above) say
// that the source archived, or include files that may say it. Else empty.
[[nodiscard]] std::string archiving_note(std::string_view auto_conf, std::string_view configuration,
                                         ArchiveMode archive_mode);

}  // namespace backup_engine::restore

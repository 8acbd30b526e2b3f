// What a cluster needs that was made elsewhere and is restored here only to be looked at: another user runs the server,
// nobody of the source's rules of access is here, and its settings were made for a host of its own, which this one may
// be.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "harness/process/subprocess.hpp"

namespace harness::restore {

// A restore by root leaves the files to the source's owner: gives `top` and all below it to `user`. Does nothing
// without a user or for a caller that is not root. Throws base::Error.
void give_to(const std::optional<process::OsUser>& user, const std::filesystem::path& top);

// A pg_hba.conf of that path, which it returns, that lets in whoever reaches the socket, which lies in a private
// directory. Servers that are started at the same time have one each.
[[nodiscard]] std::filesystem::path write_access_rules(std::filesystem::path rules,
                                                       const std::optional<process::OsUser>& user);

// Quarantine, little of this machine, a log that read_recovery_log() understands, and nothing that would stop a
// superuser from reading.
[[nodiscard]] std::map<std::string, std::string> settings_of_foreign_cluster(int major,
                                                                             const std::filesystem::path& access_rules);

}  // namespace harness::restore

// What a command line leaves unsaid, from lifeboat.yaml: repository and key file, connection and data directory, slot,
// the variables of scenarios. docs/configuration.md says which verb takes what.
#pragma once

#include <filesystem>
#include <optional>

#include "harness/cli/command_line.hpp"
#include "harness/config/config.hpp"

namespace harness::cli {

// The file that counts: `given` (--config), that of the environment, one in the current directory or in /etc; nullopt
// when there is none. Throws base::Error(usage) as config::find_config.
[[nodiscard]] std::optional<std::filesystem::path> configuration_file(const std::filesystem::path& given);
// Throws base::Error(usage) as config::load.
[[nodiscard]] config::Config load_configuration(const std::filesystem::path& file);

// Fills in what the verb needs and its command line does not say. The file is read only for that, or when --config
// names it. Throws base::Error(usage): something is needed and said nowhere, a cluster is not there, the file is wrong.
void complete(Command& command);

}  // namespace harness::cli

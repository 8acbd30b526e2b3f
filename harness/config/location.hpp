// Where lifeboat.yaml is looked for (docs/configuration.md): the file that --config names, else the one that
// $LIFEBOAT_CONFIG names, else ./lifeboat.yaml, else /etc/lifeboat.yaml.
#pragma once

#include <filesystem>
#include <optional>

namespace harness::config {

struct Surroundings {
  std::filesystem::path given;              // --config; empty: not given
  std::filesystem::path environment;        // $LIFEBOAT_CONFIG; empty: not set
  std::filesystem::path working_directory;  // where lifeboat.yaml may lie
  std::filesystem::path system_directory = "/etc";
};

// nullopt when nobody named a file and there is none. Throws base::Error(usage) for one that was named and is not
// there, and for one that nobody named and that somebody else could have put there: it belongs neither to the caller
// nor to root, or everybody may write to it.
[[nodiscard]] std::optional<std::filesystem::path> find_config(const Surroundings& surroundings);

}  // namespace harness::config

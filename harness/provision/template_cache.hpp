// Clusters that initdb made once, kept below $XDG_CACHE_HOME/lifeboat/templates to be copied.
//
// TEMPLATES/<name>/data      the cluster, without WAL (pg_resetwal makes a copy's own)
// TEMPLATES/<name>/files     the list of what data holds (file_list.hpp); written last
// TEMPLATES/<name>.lock      flock: shared to copy, exclusive to make
// A template appears by rename and is never changed; one whose list does not hold is made anew.
#pragma once

#include <filesystem>

#include "harness/provision/provision.hpp"

namespace harness::provision {

// $XDG_CACHE_HOME/lifeboat/templates, or below $HOME/.cache. Throws base::Error(usage) when the first is not set and
// the second is no directory.
[[nodiscard]] std::filesystem::path template_directory();

// "15.18-checksums-0123456789abcdef": version, options, and a digest over both, the programs' directory and initdb's
// arguments.
[[nodiscard]] std::string template_name(const ClusterOptions& options);

// Copies the template of `options` to options.data_directory, making it first where it is absent or broken. Waits up to
// 3 minutes for others who make it. Throws base::Error; the data directory is then absent.
void copy_template(const ClusterOptions& options);

}  // namespace harness::provision

// What a cluster's catalogs say: every object's identity with a digest of its definition, the settings, and whether
// this machine has the collations and libraries that the cluster relies on.
#pragma once

#include <map>
#include <string>

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// identity → the first 16 hex digits of the definition's SHA-256; objects of other databases than the main one are
// prefixed "name: ". Of what is in the cluster's scope. Throws base::Error.
[[nodiscard]] std::map<std::string, std::string> probe_objects(const Cluster& cluster);

// name → value as configured (not as this session has it), with the few fixed at initdb that a restore must keep.
[[nodiscard]] std::map<std::string, std::string> probe_settings(const Cluster& cluster);

// Both, with collation versions compared to this machine's and the libraries of functions looked for on disk.
// quarantined: settings that the restored server was given on its command line.
[[nodiscard]] reports::record::CatalogEvidence probe_catalog(const Cluster& cluster,
                                                             const std::map<std::string, std::string>& quarantined);

}  // namespace harness::verify

#include "harness/verify/closed_databases.hpp"

namespace harness::verify {

std::vector<std::string> closed_databases(const Cluster& cluster) {
  std::vector<std::string> names;
  if (cluster.scope.kind == Scope::Kind::only) return names;
  for (const auto& row : cluster.connect(cluster.database)
                             .query("SELECT datname FROM pg_catalog.pg_database WHERE NOT datallowconn AND datname <> "
                                    "'template0' ORDER BY datname COLLATE \"C\"")) {
    names.push_back(to_text(row[0]));
  }
  return names;
}

}  // namespace harness::verify

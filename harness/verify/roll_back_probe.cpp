#include "harness/verify/roll_back_probe.hpp"

#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/content_probe.hpp"

namespace harness::verify {

reports::record::RollBackEvidence::Look look_at_all(const Cluster& cluster,
                                                    const reports::record::ContentDigests* alike) {
  reports::record::RollBackEvidence::Look look;
  look.content = probe_content(cluster, alike);
  look.objects = probe_objects(cluster);
  auto connection = cluster.connect(cluster.database);
  const auto row = connection.query(
      "SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint())")
                       [0];
  look.system_identifier = to_text(row[0]);
  look.timeline = static_cast<std::uint32_t>(to_count(row[1]));
  return look;
}

}  // namespace harness::verify

// The shop, and the disasters that its tests let strike.
#pragma once

#include <chrono>
#include <string>

#include "harness/disaster/disaster.hpp"
#include "tests/pg/workload/dataset_server.hpp"

namespace harness::disaster {

inline Victim victim_of(workload::DatasetServer& shop) {
  return {shop.server(),
          faults::ExpendableDirectory::made_by_this_drill(shop.data_directory(), shop.work_directory()),
          {},
          shop.dataset().load_database};
}

inline Struck strike_shop(workload::DatasetServer& shop, const std::string& kind, const std::string& argument) {
  return strike({kind, argument}, victim_of(shop));
}

}  // namespace harness::disaster

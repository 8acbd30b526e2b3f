// The content probe as a program of its own, for compare.py; and what fills a server with a dataset of the drills.
//   content_digests probe CONNINFO DATABASE           prints: seconds tables rows
//   content_digests load CONNINFO DATASET SCALE       with fixtures/ below the working directory
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/server/installation.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/workload/dataset.hpp"

namespace {

using namespace harness;
using backup_engine::base::Deadline;
using backup_engine::postgres::Connection;
using backup_engine::postgres::with_keyword;

int probe(const std::string& conninfo, const std::string& database) {
  verify::Cluster cluster;
  cluster.connect = [&](const std::string& name) {
    return Connection(with_keyword(conninfo, "dbname", name), "content_digests");
  };
  cluster.database = database;
  const auto begun = std::chrono::steady_clock::now();
  const auto content = verify::probe_content(cluster);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
  std::uint64_t rows = 0;
  for (const auto& table : content.tables) rows += table.rows;
  fmt::print("{:.3f} {} {}\n", seconds.count(), content.tables.size(), rows);
  return rows > 0 ? 0 : 1;
}

int load(const std::string& conninfo, const std::string& name, int scale) {
  const auto dataset = workload::read_dataset("fixtures", name);
  const auto installation = server::choose_installation(server::find_installations(std::nullopt), std::nullopt);
  workload::load_dataset(dataset, conninfo, installation, scale, 7, Deadline::after(std::chrono::hours(2)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "probe") return probe(arguments[1], arguments[2]);
  if (arguments.size() == 4 && arguments[0] == "load") return load(arguments[1], arguments[2], std::stoi(arguments[3]));
  fmt::print(stderr, "usage: content_digests probe CONNINFO DATABASE | load CONNINFO DATASET SCALE\n");
  return 3;
} catch (const std::exception& error) {
  fmt::print(stderr, "content_digests: {}\n", error.what());
  return 2;
}

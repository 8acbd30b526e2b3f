// What we read from a data directory is what PostgreSQL's own tools say is there.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/postgres/page.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace backup_engine::postgres {
namespace {

namespace fs = std::filesystem;
using harness::server::DisposableCluster;
using harness::server::soon;
using testing::HasSubstr;

class DataFiles : public DisposableCluster {
 protected:
  [[nodiscard]] std::string control_data(const harness::server::ServerOptions& cluster) const {
    harness::process::Command command;
    command.program = cluster.installation.program("pg_controldata");
    command.arguments = {cluster.data_directory.string()};
    return harness::process::run(command, soon()).output;
  }
};

std::string line(const std::string& key, const std::string& value) {
  return key + value + "\n";
}

TEST_F(DataFiles, ControlFileSaysWhatPgControldataPrints) {
  auto cluster = options();
  cluster.settings = {{"max_connections", "37"}, {"max_prepared_transactions", "3"}, {"max_wal_senders", "7"}};
  auto server = started(cluster);
  server.connect().execute("CREATE TABLE t AS SELECT generate_series(1, 1000); CHECKPOINT");
  server.stop(harness::server::StopMode::fast, soon());
  const auto printed = control_data(cluster);
  const auto control = read_control_file(cluster.data_directory);
  EXPECT_THAT(printed,
              HasSubstr(line("Database system identifier:           ", std::to_string(control.system_identifier))));
  EXPECT_THAT(printed,
              HasSubstr(line("pg_control version number:            ", std::to_string(control.control_version))));
  EXPECT_THAT(printed,
              HasSubstr(line("Catalog version number:               ", std::to_string(control.catalog_version))));
  EXPECT_THAT(printed, HasSubstr(line("Latest checkpoint location:           ", to_string(control.checkpoint))));
  EXPECT_THAT(printed, HasSubstr(line("Latest checkpoint's REDO location:    ", to_string(control.redo))));
  EXPECT_THAT(printed,
              HasSubstr(line("Latest checkpoint's TimeLineID:       ", std::to_string(control.timeline.number()))));
  EXPECT_THAT(printed,
              HasSubstr(line("Bytes per WAL segment:                ", std::to_string(control.segment_size.bytes()))));
  EXPECT_THAT(printed, HasSubstr(line("Data page checksum version:           ", control.data_checksums ? "1" : "0")));
  EXPECT_EQ(control.major, cluster.installation.version.major());
  EXPECT_EQ(control.max_connections, 37);
  EXPECT_EQ(control.max_prepared_transactions, 3);
  EXPECT_EQ(control.max_wal_senders, 7);
  EXPECT_EQ(control.max_worker_processes, 8);
  EXPECT_EQ(control.max_locks_per_transaction, 64);
  EXPECT_EQ(control.state, 1U);  // shut down
}

TEST_F(DataFiles, EveryPageOfARealClusterIsSound) {
  const auto cluster = options();
  auto server = started(cluster);
  server.connect().execute(
      "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i; CREATE INDEX ON t (i)");
  server.stop(harness::server::StopMode::fast, soon());
  std::size_t pages = 0;
  for (const auto& entry : fs::recursive_directory_iterator(cluster.data_directory / "base")) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    const auto text = base::read_file(entry.path());
    ASSERT_EQ(text.size() % page_bytes, 0U) << entry.path();
    EXPECT_EQ(first_bad_page(std::as_bytes(std::span(text)), 0), std::nullopt) << entry.path();
    pages += text.size() / page_bytes;
  }
  EXPECT_GT(pages, 1000U);
}

}  // namespace
}  // namespace backup_engine::postgres

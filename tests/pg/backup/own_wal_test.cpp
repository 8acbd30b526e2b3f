// A backup whose own WAL, of the time while it was taken, does not lead from its start to its stop: it says so itself.
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <mutex>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using harness::server::soon;

class OwnWalOfABackup : public BackedUpCluster {
 protected:
  // The segment that is being written ends, and a bit of what the repository holds of it changes.
  void end_and_damage_segment() {
    const auto name = ask("SELECT pg_walfile_name(pg_current_wal_lsn())");
    run("SELECT pg_switch_wal()");
    run("CREATE TABLE behind ()");
    fs::path object;
    base::poll_until(soon(), "segment " + name, [&]() -> std::optional<std::string> {
      const auto storage = store::open_repository({repository().string()});
      for (const auto& each : store::list_wal(*storage, "main", {})) {
        const bool is_it = each.parsed.kind == store::WalObjectKind::segment &&
                           file_name(each.parsed.segment, postgres::SegmentSize{}) == name;
        if (is_it) object = repository() / each.name;
      }
      return object.empty() ? std::optional<std::string>("not closed yet") : std::nullopt;
    });
    auto bytes = base::read_file(object);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(object, std::ios::binary) << bytes;
  }
};

TEST_F(OwnWalOfABackup, IsToldOfWhereItsRecordsCannotBeFollowed) {
  start_source();
  receive_wal();
  EXPECT_TRUE(back_up().wal_follows);
  auto request = backup_request();
  request.max_bytes_per_second = 10'000'000;
  std::once_flag once;
  request.on_held_back = [&](std::chrono::nanoseconds) { std::call_once(once, [&] { end_and_damage_segment(); }); };
  base::NoProgress progress;
  const auto result = take_backup(request, progress);
  EXPECT_FALSE(result.wal_follows);
  EXPECT_FALSE(result.copied_databases) << "not known";
  const auto verified = verify_repository({{repository().string()}, {}, {}, 2}, progress);
  EXPECT_FALSE(verified.backups.at(1).restorable);
}

}  // namespace
}  // namespace backup_engine

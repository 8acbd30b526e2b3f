// archive_command in a repository with backups, over a file system that fails at each of its operations in turn: into
// their cluster, and as the first push of another one, which makes it.
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/push.hpp"
#include "tests/fault/wal_beside_backup.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace wal = backup_engine::wal;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::WalSegment;
using tests::Fault;
using tests::megabyte;
using tests::timeline_one;
using tests::WalBesideBackup;

namespace {

void write(const fs::path& path, std::span<const std::byte> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// A data directory whose pg_wal holds segments 17 and 18, both ready.
class Server {
 public:
  Server() {
    fs::create_directories(pg_wal() / "archive_status");
    fs::create_directories(directory_.path() / "global");
    write(directory_.path() / "global" / "pg_control", tests::cluster_files(0).at("global/pg_control"));
    for (const std::uint64_t number : {17U, 18U}) {
      write(pg_wal() / name_of(number), tests::stretch(tests::going_on(), number * megabyte, (number + 1) * megabyte));
      write(pg_wal() / "archive_status" / (name_of(number) + ".ready"), {});
    }
  }
  void push(const WalBesideBackup& trial, base::FileSystem& files, const std::string& cluster) const {
    backup_engine::WalPushRequest request;
    request.repository = trial.location();
    request.cluster = cluster;
    request.file = pg_wal() / name_of(17);
    request.ahead = 1;
    request.jobs = 1;
    static_cast<void>(wal::push(request, files));
  }
  [[nodiscard]] static std::string name_of(std::uint64_t number) {
    return file_name(WalSegment{timeline_one, number}, tests::some_cluster().wal_segment_size);
  }

 private:
  [[nodiscard]] fs::path pg_wal() const { return directory_.path() / "pg_wal"; }
  base::TemporaryDirectory directory_{tests::fault_directory(), "lifeboat-pushing"};
};

class PushBesideBackup : public ::testing::TestWithParam<Fault> {
 protected:
  // As archive_command says it; and what goes along is durable or not there.
  void strike(const std::string& cluster) {
    tests::Sweep sweep;
    sweep.run = [&](WalBesideBackup& trial, base::FileSystem& files) { server_.push(trial, files, cluster); };
    sweep.look = [&](WalBesideBackup& trial, bool succeeded) {
      if (succeeded) expect_fetched(trial, cluster);
      trial.expect_wal_up_to(Lsn(tests::wal_stop));
      trial.expect_backups();
      tests::FaultyFileSystem sound(trial.directory());
      ASSERT_NO_THROW(server_.push(trial, sound, cluster));
      expect_fetched(trial, cluster);
      trial.expect_cleaned_up();
    };
    tests::strike_everywhere(GetParam(), sweep);
  }
  static void expect_fetched(const WalBesideBackup& trial, const std::string& cluster) {
    const auto to = trial.directory() / "RECOVERYXLOG";
    const auto name = Server::name_of(17);
    ASSERT_EQ(backup_engine::fetch_wal({trial.location(), cluster, name, to}), backup_engine::WalFetchOutcome::fetched);
    const auto text = base::read_file(to);
    const auto wanted = tests::stretch(tests::going_on(), 17 * megabyte, 18 * megabyte);
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(text)), wanted));
    fs::remove(to);
  }

  Server server_;
};

TEST_P(PushBesideBackup, OfASegmentThatAReceiverHoldsAPartOf) {
  strike("main");
}

TEST_P(PushBesideBackup, ThatMakesItsClusterFirst) {
  strike("other");
}

INSTANTIATE_TEST_SUITE_P(EveryFault, PushBesideBackup, ::testing::ValuesIn(tests::all_faults), [](const auto& each) {
  auto name = tests::to_string(each.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace

#include "tests/fault/wal_beside_backup.hpp"

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/held_segment.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
namespace wal = backup_engine::wal;
using backup_engine::postgres::Lsn;

namespace {

struct Chain {
  base::TemporaryDirectory directory{fault_directory(), "lifeboat-wal-fault"};
  Published published = make_chain(directory.path());
};

// Made once.
Chain& chain() {
  static Chain made;
  return made;
}

}  // namespace

const Bytes& going_on() {
  static const Bytes bytes = [] {
    auto wal = some_wal();
    while (wal.end() < Lsn(0x1500000)) wal.filler(5000);
    auto stream = signed_wal(std::move(wal));
    // The same records, but for the time of a commit: what the chain holds is what is gone on with.
    const auto storage = store::open_repository({(chain().directory.path() / "repository").string()});
    const wal::WalArchive archive(*storage, "main", some_cluster().wal_segment_size, {});
    for (std::uint64_t at = wal_start; at < wal_stop; at += megabyte) {
      const auto held = wal::read_held(archive, {timeline_one, at / megabyte}).value();
      std::ranges::copy(held, stream.begin() + static_cast<std::ptrdiff_t>(at - wal_start));
    }
    return stream;
  }();
  return bytes;
}

std::span<const std::byte> stretch(const Bytes& wal, std::uint64_t from, std::uint64_t end) {
  return std::span(wal).subspan(from - wal_start, end - from);
}

WalBesideBackup::WalBesideBackup()
    : files_([&] {
        fs::copy(chain().directory.path(), directory_.path(), fs::copy_options::recursive);
        return directory_.path();
      }()) {}

void WalBesideBackup::expect_wal_up_to(Lsn end, std::uint64_t gap_from, std::uint64_t gap_to) {
  FaultyFileSystem sound(directory_.path());
  const auto storage = store::open_repository(location(), sound);
  const wal::WalArchive archive(*storage, "main", some_cluster().wal_segment_size, {});
  for (std::uint64_t at = wal_start; Lsn(at) < end; at += megabyte) {
    if (gap_from <= at && at < gap_to) continue;
    const auto held = wal::read_held(archive, {timeline_one, at / megabyte});
    ASSERT_TRUE(held) << to_string(Lsn(at));
    const auto wanted = stretch(going_on(), at, std::min(end.position_bytes(), at + megabyte));
    ASSERT_GE(held->size(), wanted.size()) << to_string(Lsn(at));
    ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), held->begin())) << to_string(Lsn(at));
  }
}

void WalBesideBackup::expect_backups(const std::set<std::string>& known) {
  Aftermath aftermath(directory_.path());
  aftermath.expect_verify_tells_the_truth(known);
  aftermath.expect_holds(chain().published);
  const auto& [label, contents] = *chain().published.rbegin();
  aftermath.expect_restores(label, contents);
}

void WalBesideBackup::expect_cleaned_up(const std::set<std::string>& known) {
  Aftermath aftermath(directory_.path());
  aftermath.clean_up(keep_all());
  aftermath.expect_nothing_else();
  aftermath.expect_verify_tells_the_truth(known);
  aftermath.expect_holds(chain().published);
}

void strike_everywhere(Fault fault, const Sweep& sweep) {
  auto first = 1 + static_cast<std::uint64_t>(fault) % sweep.step;
  std::uint64_t struck = 0;
  if (sweep.from_last > 0) {
    WalBesideBackup whole;
    sweep.run(whole, whole.files());
    first += whole.files().operations() - sweep.from_last;
  }
  for (auto operation = first;; operation += sweep.step) {
    SCOPED_TRACE(to_string(fault) + " at operation " + std::to_string(operation));
    WalBesideBackup trial;
    trial.files().strike_at(operation, fault);
    bool succeeded = true;
    try {
      sweep.run(trial, trial.files());
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
      succeeded = false;
    }
    const bool last = !trial.files().struck();
    // What succeeded survives a power loss right afterwards.
    if (last) trial.files().lose_power();
    struck += last ? 0 : 1;
    sweep.look(trial, succeeded);
    if (last || testing::Test::HasFailure()) break;
  }
  EXPECT_GE(struck, 10U) << "too few faults struck";
}

}  // namespace tests

// The repository over a file system that fails at every single operation, in every way. After each: what was there
// before reads back whole, verify tells the truth, and the next run succeeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::IsEmpty;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

const tests::Contents earlier_files{{"PG_VERSION", tests::row_bytes(3, 1)}, {"base/1/1", tests::random_bytes(9000, 2)}};
const tests::Contents later_files{{"PG_VERSION", tests::row_bytes(3, 1)}, {"base/1/1", tests::random_bytes(14'000, 3)}};

backup_engine::VerifyResult verify(const backup_engine::RepositoryLocation& location) {
  base::NoProgress progress;
  return backup_engine::verify_repository({location, {}, {}, 1}, progress);
}

// One directory per fault point, and the repository in it.
class StoreFault : public ::testing::TestWithParam<Fault> {
 protected:
  [[nodiscard]] static backup_engine::RepositoryLocation location_in(const fs::path& directory) {
    return {(directory / "repository").string()};
  }

  // Runs `work` with the fault at each of its operations in turn, over what `prepare` made; then `look`, with whether
  // the work said that it succeeded.
  void at_every_operation(const std::function<void(const fs::path&, base::FileSystem&)>& prepare,
                          const std::function<void(const fs::path&, base::FileSystem&)>& work,
                          const std::function<void(const fs::path&, bool succeeded)>& look) {
    std::uint64_t last = 1;
    for (std::uint64_t n = 1; n <= last; ++n) {
      const base::TemporaryDirectory directory("/var/tmp", "lifeboat-fault");
      FaultyFileSystem sound(directory.path());
      prepare(directory.path(), sound);
      FaultyFileSystem files(directory.path());
      files.strike_at(n, GetParam());
      bool succeeded = false;
      try {
        work(directory.path(), files);
        succeeded = true;
      } catch (const base::Error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated")) << "at operation " << n;
      }
      if (files.struck()) last = n + 1;
      // What succeeded survives a power loss right afterwards.
      if (succeeded && !files.struck()) files.lose_power();
      SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
      look(directory.path(), succeeded);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(last, 5U) << "the fault never struck";
  }
};

void make_repository_with_a_backup(const fs::path& directory, base::FileSystem& files) {
  const backup_engine::RepositoryLocation location{(directory / "repository").string()};
  store::init_repository(location, files);
  const auto storage = store::open_repository(location, files);
  store::open_or_create_cluster(*storage, "main", tests::some_cluster());
  tests::put_wal(*storage, "main");
  tests::put_backup(*storage, "main", earlier_files);
}

void put_second_backup(const fs::path& directory, base::FileSystem& files) {
  const auto storage = store::open_repository({(directory / "repository").string()}, files);
  tests::put_backup(*storage, "main", later_files);
}

}  // namespace

TEST_P(StoreFault, MakingARepositoryCanBeDoneAgain) {
  at_every_operation(
      [](const fs::path&, base::FileSystem&) {},
      [](const fs::path& directory, base::FileSystem& files) { store::init_repository(location_in(directory), files); },
      [](const fs::path& directory, bool succeeded) {
        const auto location = location_in(directory);
        FaultyFileSystem files(directory);
        bool is_there = true;
        try {
          is_there = store::open_repository(location, files) != nullptr;
        } catch (const base::Error& error) {
          ASSERT_EQ(error.kind(), base::ErrorKind::not_found) << error.what();
          is_there = false;
        }
        if (succeeded) {
          EXPECT_TRUE(is_there);
        }
        if (!is_there) store::init_repository(location, files);
        EXPECT_THAT(verify(location).damage, IsEmpty());
      });
}

TEST_P(StoreFault, ABackupIsWholeOrInvisibleAndTheEarlierOneStays) {
  at_every_operation(make_repository_with_a_backup, put_second_backup, [](const fs::path& directory, bool succeeded) {
    const auto location = location_in(directory);
    FaultyFileSystem files(directory);
    const auto storage = store::open_repository(location, files);
    const auto labels = store::list_backup_labels(*storage, "main");
    ASSERT_FALSE(labels.empty());
    EXPECT_EQ(tests::read_backup(*storage, "main", labels[0]), earlier_files);
    // An error while publishing leaves open whether it is visible; when it is, it is whole.
    if (succeeded) {
      EXPECT_EQ(labels.size(), 2U);
    }
    if (labels.size() > 1) {
      EXPECT_EQ(tests::read_backup(*storage, "main", labels[1]), later_files);
    }

    const auto result = verify(location);
    EXPECT_THAT(result.damage, IsEmpty());
    ASSERT_EQ(result.backups.size(), labels.size());
    for (const auto& backup : result.backups) EXPECT_TRUE(backup.restorable) << backup.reason;

    const auto next = tests::put_backup(*storage, "main", later_files);
    EXPECT_EQ(tests::read_backup(*storage, "main", next), later_files);
    EXPECT_EQ(store::list_backup_labels(*storage, "main").size(), labels.size() + 1);
  });
}

TEST_P(StoreFault, AWalSegmentIsDurableWhenItsPutReturns) {
  const auto size = tests::some_cluster().wal_segment_size;
  // The one before those that are there: behind them it would have a hole before it.
  const backup_engine::postgres::WalSegment segment{backup_engine::postgres::TimelineId(1), 15};
  const auto name = store::wal_segment_name("main", segment, size, backup_engine::Codec::lz4);
  const auto bytes = tests::one_segment(segment);
  const auto put = [&](const fs::path& directory, base::FileSystem& files) {
    const auto storage = store::open_repository(location_in(directory), files);
    store::put_framed(*storage, name, store::ObjectKind::wal_segment, {backup_engine::Codec::lz4, 0}, bytes,
                      store::Durability::now);
  };
  at_every_operation(make_repository_with_a_backup, put, [&](const fs::path& directory, bool succeeded) {
    FaultyFileSystem files(directory);
    const auto storage = store::open_repository(location_in(directory), files);
    const bool is_there = storage->size(name).has_value();
    if (succeeded) {
      EXPECT_TRUE(is_there);
    }
    if (!is_there) put(directory, files);
    EXPECT_EQ(store::read_framed(*storage, name, store::ObjectKind::wal_segment), bytes);
    EXPECT_THAT(verify(location_in(directory)).damage, IsEmpty());
  });
}

TEST_P(StoreFault, ManyObjectsBecomeVisibleTogetherAndWhole) {
  const auto put = [](const fs::path& directory, base::FileSystem& files) {
    const auto storage = store::open_repository(location_in(directory), files);
    for (unsigned i = 0; i < 4; ++i) {
      storage->put("clusters/group/" + std::to_string(i), tests::random_bytes(500, i), store::Durability::on_sync);
    }
    if (!storage->list("clusters/group/").empty()) throw base::Error(base::ErrorKind::internal, "visible too early");
    storage->sync();
  };
  at_every_operation(make_repository_with_a_backup, put, [](const fs::path& directory, bool succeeded) {
    FaultyFileSystem files(directory);
    const auto storage = store::open_repository(location_in(directory), files);
    const auto objects = storage->list("clusters/group/");
    if (succeeded) {
      EXPECT_EQ(objects.size(), 4U);
    }
    for (const auto& object : objects) {
      const auto seed = static_cast<unsigned>(object.name.back() - '0');
      EXPECT_EQ(storage->read(object.name), tests::random_bytes(500, seed)) << object.name;
    }
  });
}

// Who finds a folder there does not know whether it is durable, unless something lies in it.
TEST(RepositoryFolders, APutIntoAFolderThatAFailedOneMadeIsDurable) {
  const auto put = [](const fs::path& directory, base::FileSystem& files, const std::string& name) {
    const auto storage = store::open_repository({(directory / "repository").string()}, files);
    storage->put(name, tests::random_bytes(500, 1), store::Durability::now);
  };
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    SCOPED_TRACE("the first put fails at operation " + std::to_string(n));
    const base::TemporaryDirectory directory("/var/tmp", "lifeboat-fault");
    FaultyFileSystem files(directory.path());
    store::init_repository({(directory.path() / "repository").string()}, files);
    files.strike_at(files.operations() + n, Fault::fail);
    failed = false;
    try {
      put(directory.path(), files, "clusters/main/wal/first");
    } catch (const base::Error&) {
      failed = true;
    }
    files.strike_at(0, Fault::fail);
    put(directory.path(), files, "clusters/main/wal/second");
    files.lose_power();
    const auto storage = store::open_repository({(directory.path() / "repository").string()}, files);
    EXPECT_EQ(storage->read("clusters/main/wal/second"), tests::random_bytes(500, 1));
  }
}

TEST(RepositoryFolders, APutIntoAFolderThatHoldsSomethingSyncsThatFolderOnly) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-fault");
  FaultyFileSystem files(directory.path());
  const backup_engine::RepositoryLocation location{(directory.path() / "repository").string()};
  store::init_repository(location, files);
  const auto operations_of_put = [&](const std::string& name) {
    const auto before = files.operations();
    store::open_repository(location, files)->put(name, tests::random_bytes(500, 1), store::Durability::now);
    return files.operations() - before;
  };
  const auto first = operations_of_put("clusters/main/wal/first");
  const auto second = operations_of_put("clusters/main/wal/second");
  EXPECT_EQ(first - second, 6U);  // three folders made, and the three above them synced
}

INSTANTIATE_TEST_SUITE_P(EveryFault, StoreFault, ::testing::ValuesIn(tests::all_faults), [](const auto& fault) {
  auto name = tests::to_string(fault.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

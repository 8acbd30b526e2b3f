#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <span>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/store/posix_storage.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace fs = std::filesystem;
namespace postgres = backup_engine::postgres;
namespace store = backup_engine::store;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::kind_of_failure;

namespace {

class PosixStorage : public ::testing::Test {
 protected:
  void put(const std::string& name, std::string_view text) { storage_.put(name, text, store::Durability::now); }
  [[nodiscard]] std::vector<std::string> names(const std::string& prefix) {
    std::vector<std::string> result;
    for (const auto& object : storage_.list(prefix)) result.push_back(object.name);
    return result;
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-storage"};
  tests::FaultyFileSystem files_{directory_.path()};
  store::PosixStorage storage_{directory_.path(), files_};
};

class Repository : public ::testing::Test {
 protected:
  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-repository"};
  tests::FaultyFileSystem files_{directory_.path()};
  backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
};

}  // namespace

// Two hosts that expire at once: what one has emptied the other removes.
TEST_F(PosixStorage, SyncsRemovalsInAFolderThatAnotherHostRemoved) {
  put("folder/below/object", "text");
  put("folder/stays", "text");
  storage_.remove("folder/below/object");
  fs::remove(directory_.path() / "folder/below");
  EXPECT_NO_THROW(storage_.sync());
  EXPECT_THAT(names(""), ElementsAre("folder/stays"));
}

TEST_F(PosixStorage, ListsWhileAnotherHostRemovesFolders) {
  put("folder/object", "text");
  std::jthread other([top = directory_.path() / "folder"](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      fs::create_directories(top / "other/below");
      fs::remove_all(top / "other");
    }
  });
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(storage_.list("folder/").size(), 1U);
}

// As the parts of a segment of WAL become fewer and longer: the next one is put before the last is removed.
TEST_F(PosixStorage, ListsAnObjectOrTheOneThatTookItsPlace) {
  put("folder/0", "text");
  std::jthread other([top = directory_.path() / "folder"](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      std::ofstream(top / std::to_string(i + 1)) << "text";
      fs::remove(top / std::to_string(i));
    }
  });
  for (int i = 0; i < 2000; ++i) ASSERT_FALSE(storage_.list("folder/").empty()) << "look " << i;
}

TEST_F(PosixStorage, ListsNoObjectWithoutThosePutBeforeItInOrderOfName) {
  constexpr int folders = 300;
  const auto name = [](int i) { return fmt::format("wal/{:03}/object", i); };
  for (int i = 0; i < folders; ++i) fs::create_directories((directory_.path() / name(i)).parent_path());
  std::atomic<int> looked = 0;
  std::jthread other([&](const std::stop_token& stop) {
    for (int i = 0; i < folders && !stop.stop_requested(); ++i) {
      while (looked * 20 < i && !stop.stop_requested()) std::this_thread::yield();  // some in each look
      std::ofstream(directory_.path() / name(i)) << "text";
    }
  });
  for (std::vector<std::string> seen; seen.size() < folders; ++looked) {
    seen = names("wal/");
    for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], name(static_cast<int>(i)));
  }
}

TEST_F(PosixStorage, NeverOverwrites) {
  put("a/b/c", "first");
  EXPECT_EQ(kind_of_failure([&] { put("a/b/c", "second"); }), ErrorKind::already_exists);
  EXPECT_EQ(storage_.read_text("a/b/c"), "first");
  EXPECT_THAT(storage_.list_debris(""), IsEmpty());
}

// Root reads everything, so this asks as somebody else.
TEST_F(PosixStorage, NamesTheFolderThatItCannotList) {
  put("a/b/c", "x");
  put("a/d", "x");
  const auto folder = directory_.path() / "a" / "b";
  fs::permissions(folder, fs::perms::none);
  const bool root = ::geteuid() == 0;
  if (root) {
    fs::permissions(directory_.path(), fs::perms(0755));
    fs::permissions(directory_.path() / "a", fs::perms(0755));
    ASSERT_EQ(::seteuid(65534), 0);
  }
  std::string message;
  const auto kind = kind_of_failure([&] { (void)storage_.list(""); }, &message);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(folder, fs::perms::owner_all);
  EXPECT_EQ(kind, ErrorKind::permission);
  EXPECT_THAT(message, HasSubstr(folder.string()));
}

// Of a long one little stays in the page cache, on the way in and on the way out.
TEST_F(PosixStorage, GivesBackALongObjectAsItWasPut) {
  std::string text(std::size_t{20} << 20U, ' ');
  for (std::size_t i = 0; i < text.size(); i += 8) text.replace(i, 7, fmt::format("{:07}", i / 8));
  const auto bytes = std::as_bytes(std::span(text));
  const auto object = storage_.begin_put("long");
  for (std::size_t at = 0, length = 1; at < bytes.size(); at += length, length = length * 3 % 1'000'003 + 1) {
    object->write(bytes.subspan(at, std::min(length, bytes.size() - at)));
  }
  object->commit(store::Durability::now);
  const auto stored = storage_.open("long");
  std::string read(text.size(), '\0');
  const auto into = std::as_writable_bytes(std::span(read));
  for (std::size_t at = 0; at < into.size();) {
    at += stored->read_at(at, into.subspan(at, std::min<std::size_t>(777'777, into.size() - at)));
  }
  EXPECT_TRUE(read == text);
}

TEST_F(PosixStorage, ReadsRangesAndSizes) {
  put("object", "0123456789");
  EXPECT_EQ(storage_.read_range("object", 3, 4).size(), 4U);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(storage_.read_range("object", 8, 4)); }), ErrorKind::corrupt);
  EXPECT_EQ(storage_.size("object"), 10U);
  EXPECT_EQ(storage_.size("absent"), std::nullopt);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(storage_.read("absent")); }), ErrorKind::not_found);
  const auto object = storage_.open("object");
  EXPECT_EQ(object->mapping().size(), 10U);
}

TEST_F(PosixStorage, ListsByPrefixInOrderWithoutDebris) {
  put("b/2", "x");
  put("b/1/deep", "x");
  put("a", "x");
  put("bb/3", "x");
  const auto unfinished = storage_.begin_put("b/3");
  EXPECT_THAT(names("b/"), ElementsAre("b/1/deep", "b/2"));
  EXPECT_THAT(names(""), ElementsAre("a", "b/1/deep", "b/2", "bb/3"));
  EXPECT_THAT(names("none/"), IsEmpty());
  EXPECT_EQ(storage_.list_debris("b/").size(), 1U);
}

TEST_F(PosixStorage, ShowsAPutOnlyWhenItIsCommittedAndSynced) {
  const auto put = storage_.begin_put("object");
  put->write(tests::random_bytes(700'000, 1));
  EXPECT_THAT(names(""), IsEmpty());
  put->commit(store::Durability::on_sync);
  EXPECT_THAT(names(""), IsEmpty());
  storage_.sync();
  EXPECT_EQ(storage_.read("object"), tests::random_bytes(700'000, 1));
}

TEST_F(PosixStorage, ForgetsAPutThatIsRemovedBeforeItsSync) {
  storage_.put("object", std::string_view("x"), store::Durability::on_sync);
  storage_.remove("object");
  storage_.sync();
  EXPECT_THAT(names(""), IsEmpty());
  EXPECT_THAT(storage_.list_debris(""), IsEmpty());
}

TEST_F(PosixStorage, RefusesNamesThatLeadElsewhere) {
  for (const auto* const name : {"", "/etc/x", "../x", "a/../../x", "a/", "./a"}) {
    EXPECT_EQ(kind_of_failure([&] { put(name, "x"); }), ErrorKind::internal) << name;
  }
}

TEST(PutDebris, IsRecognisedExactly) {
  const std::string digits(32, 'a');
  EXPECT_TRUE(store::is_put_debris(".put-" + digits + ".tmp"));
  for (const auto& name :
       {".put-" + digits + "0.tmp", "put-" + digits + ".tmp", ".put-" + std::string(32, 'G') + ".tmp",
        ".put-" + digits + ".tmp.zst", std::string("my.tmp.file")}) {
    EXPECT_FALSE(store::is_put_debris(name)) << name;
  }
}

TEST_F(Repository, IsMadeInAnAbsentOrEmptyDirectoryOnly) {
  store::init_repository(location_, files_);
  EXPECT_NE(store::open_repository(location_, files_), nullptr);
  EXPECT_EQ(kind_of_failure([&] { store::init_repository(location_, files_); }), ErrorKind::already_exists);
  fs::create_directory(directory_.path() / "empty");
  EXPECT_NO_THROW(store::init_repository({(directory_.path() / "empty").string()}, files_));
  EXPECT_EQ(kind_of_failure([&] { store::init_repository({(directory_.path() / "a" / "b").string()}, files_); }),
            ErrorKind::not_found);
}

TEST_F(Repository, ThatIsNoneIsRefusedByName) {
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::open_repository(location_, files_)); }, &message),
            ErrorKind::not_found);
  EXPECT_THAT(message, HasSubstr(location_.text));
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::open_repository({""}, files_)); }), ErrorKind::usage);
}

TEST_F(Repository, HoldsEachClusterToItsIdentity) {
  store::init_repository(location_, files_);
  const auto storage = store::open_repository(location_, files_);
  const auto identity = tests::some_cluster();
  store::open_or_create_cluster(*storage, "main", identity);
  EXPECT_EQ(store::open_or_create_cluster(*storage, "main", identity).postgres_major, 15);
  EXPECT_THAT(store::list_clusters(*storage), ElementsAre("main"));
  auto other = identity;
  other.system_identifier = 42;
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { store::open_or_create_cluster(*storage, "main", other); }, &message),
            ErrorKind::mismatch);
  EXPECT_THAT(message, ::testing::AllOf(HasSubstr("7300000000000000001"), HasSubstr("42")));
  other = identity;
  other.postgres_major = 16;
  EXPECT_EQ(kind_of_failure([&] { store::open_or_create_cluster(*storage, "main", other); }), ErrorKind::mismatch);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::read_cluster(*storage, "none")); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::read_cluster(*storage, "../x")); }), ErrorKind::usage);
}

TEST_F(Repository, ListsBackupsAndWalAndWhatCannotBeRead) {
  store::init_repository(location_, files_);
  const auto storage = store::open_repository(location_, files_);
  store::open_or_create_cluster(*storage, "main", tests::some_cluster());
  tests::put_wal(*storage, "main");
  const auto label = tests::put_backup(*storage, "main", {{"PG_VERSION", tests::row_bytes(3, 1)}});
  const auto broken = store::manifest_name("main", "20200101T000000Z-full");
  storage->put(broken, std::string_view("{}"), store::Durability::now);
  const auto clusters = backup_engine::list_repository(location_);
  ASSERT_EQ(clusters.size(), 1U);
  ASSERT_EQ(clusters[0].backups.size(), 1U);
  EXPECT_EQ(clusters[0].backups[0].label, label);
  EXPECT_EQ(clusters[0].backups[0].start_lsn, postgres::Lsn(0x1000028));
  ASSERT_EQ(clusters[0].wal.size(), 1U);
  EXPECT_EQ(clusters[0].wal[0].start, postgres::Lsn(0x1000000));
  EXPECT_EQ(clusters[0].wal[0].end, postgres::Lsn(0x1180000));
  ASSERT_EQ(clusters[0].unreadable.size(), 1U);
  EXPECT_THAT(clusters[0].unreadable[0], HasSubstr(broken));
}

TEST(Names, OfWalObjectsComeBackAsTheyWereMade) {
  const auto size = tests::some_cluster().wal_segment_size;
  const postgres::WalSegment segment{postgres::TimelineId(10), 0x1234};
  const auto whole = store::wal_segment_name("main", segment, size, backup_engine::Codec::zstd);
  EXPECT_EQ(whole, "clusters/main/wal/0000000A/00000001/0000000A0000000100000234.zst");
  EXPECT_EQ(store::parse_wal_object("main", whole, size)->segment, segment);
  EXPECT_EQ(store::parse_wal_object("main", whole, size)->codec, backup_engine::Codec::zstd);
  const auto part =
      store::parse_wal_object("main", store::wal_part_name("main", segment, size, 0x2000, 0x100000), size);
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->kind, store::WalObjectKind::part);
  EXPECT_EQ(part->from_bytes, 0x2000U);
  EXPECT_EQ(part->to_bytes, 0x100000U);
  const auto history = store::parse_wal_object("main", store::wal_history_name("main", segment.timeline), size);
  EXPECT_EQ(history->kind, store::WalObjectKind::history);
  const auto extra = store::wal_extra_name("main", "0000000A0000000100000234.00000028.backup", size);
  EXPECT_EQ(store::parse_wal_object("main", extra, size)->kind, store::WalObjectKind::backup_history);
  EXPECT_THROW(static_cast<void>(store::wal_extra_name("main", "0000000A0000000100000234", size)), Error);
}

TEST(Names, ThatAreNearlyThoseOfWalObjectsAreNone) {
  const auto size = tests::some_cluster().wal_segment_size;
  for (const auto* const below :
       {"0000000A/00000001/0000000A0000000100000234", "0000000A/00000001/0000000A0000000100000234.gz",
        "0000000A/00000002/0000000A0000000100000234.zst", "0000000B/00000001/0000000A0000000100000234.zst",
        "0000000A/00000001/0000000A0000000100000234.part-00002000-00001000",
        "0000000A/00000001/0000000A0000000100000234.part-00000000-00200000",
        "0000000A/00000001/0000000A0000000100000234.part-0000000-000100000", "0000000a.history",
        "0000000a/00000001/0000000a0000000100000234.zst", "x.history"}) {
    EXPECT_FALSE(store::parse_wal_object("main", std::string("clusters/main/wal/") + below, size)) << below;
  }
}

TEST(Names, OfBackupsSayWhenAndWhat) {
  const auto time = *backup_engine::base::parse_rfc3339("2026-11-20T02:15:00Z");
  EXPECT_EQ(store::backup_label(time, backup_engine::BackupType::incremental), "20261120T021500Z-incr");
  EXPECT_EQ(store::parse_backup_label("20261120T021500Z-diff"), backup_engine::BackupType::differential);
  for (const auto* const label :
       {"20261120T021500Z", "20261120T021500Z-", "20261120T021500Z-FULL", "2026112T0021500Z-full", ""}) {
    EXPECT_EQ(store::parse_backup_label(label), std::nullopt) << label;
  }
}

TEST(ContinuousRanges, JoinSegmentsAndPartsAndStopAtGapsAndTimelines) {
  const auto size = tests::some_cluster().wal_segment_size;
  const auto object = [&](std::uint32_t timeline, std::uint64_t number, std::uint64_t from, std::uint64_t to) {
    store::WalObject result;
    result.parsed.kind = store::WalObjectKind::part;
    result.parsed.segment = {postgres::TimelineId(timeline), number};
    result.parsed.from_bytes = from;
    result.parsed.to_bytes = to;
    return result;
  };
  const auto ranges = store::continuous_ranges({object(1, 2, 0x800, 0x1000), object(1, 1, 0, 0x100000),
                                                object(1, 2, 0, 0x800), object(1, 4, 0, 5), object(2, 4, 5, 9)},
                                               size);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].start, postgres::Lsn(0x100000));
  EXPECT_EQ(ranges[0].end, postgres::Lsn(0x201000));
  EXPECT_EQ(ranges[1].end, postgres::Lsn(0x400005));
  EXPECT_EQ(ranges[2].timeline, postgres::TimelineId(2));
}

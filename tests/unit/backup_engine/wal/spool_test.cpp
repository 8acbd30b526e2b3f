#include "backup_engine/wal/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/prefetch.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

namespace fs = std::filesystem;
using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1}, two{2};

class SpoolOfSegments : public testing::Test {
 protected:
  SpoolOfSegments() {
    for (std::uint64_t number = 3; number < 9; ++number) put_segment(one, number);
  }
  void put_segment(TimelineId timeline, std::uint64_t number, unsigned salt = 0) {
    repository_.archive().put_segment({timeline, number},
                                      wal_bytes(Lsn(number * megabyte), Lsn((number + 1) * megabyte), salt));
  }
  [[nodiscard]] std::string name(std::uint64_t number, TimelineId timeline = one) const {
    return file_name({timeline, number}, repository_.size);
  }
  [[nodiscard]] fs::path folder() const { return repository_.target().parent_path(); }
  [[nodiscard]] fs::path spooled(const std::string& file) const { return folder() / ".lifeboat-fetch" / file; }
  [[nodiscard]] Spool spool(const std::string& cluster = TemporaryArchive::cluster) const {
    return {folder(), repository_.location().text, cluster};
  }
  // As the process behind a fetch does it.
  void fill(unsigned count, std::uint64_t last = 3, TimelineId timeline = one) {
    ASSERT_TRUE(spool().make());
    prefetch(repository_.archive(), spool(), {timeline, last}, count);
  }
  // Without the repository's own, so that what comes comes from the spool.
  void remove_from_repository(std::uint64_t number) {
    repository_.storage().remove(
        store::wal_segment_name(TemporaryArchive::cluster, {one, number}, repository_.size, Codec::lz4));
  }
  WalFetchOutcome fetch(const std::string& file) {
    return fetch_wal({repository_.location(), TemporaryArchive::cluster, file, repository_.target(), 2});
  }
  // A file's times advance in ticks of the coarse clock: only what happens in a later one can be seen in them.
  static void wait_for_a_tick() {
    const auto now = [] {
      timespec time{};
      ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
      return std::pair(time.tv_sec, time.tv_nsec);
    };
    base::poll_until(base::Deadline::after(std::chrono::seconds(20)), "the clock to tick",
                     [&, before = now()]() -> std::optional<std::string> {
                       if (now() != before) return std::nullopt;
                       return "it stands still";
                     });
  }
  // The lock's holder has ended: whatever a fetch started in the background is done.
  void wait_for_prefetch() {
    base::poll_until(base::Deadline::after(std::chrono::seconds(20)), "the prefetch to end",
                     [&]() -> std::optional<std::string> {
                       if (!fs::exists(spooled("lock")) || spool().lock()) return std::nullopt;
                       return "it is at work";
                     });
  }

  TemporaryArchive repository_;
};

TEST_F(SpoolOfSegments, HoldsWhatComesNextAndHandsItOverOnce) {
  fill(3);
  for (const std::uint64_t number : {4U, 5U, 6U}) EXPECT_TRUE(spool().holds(name(number)));
  EXPECT_FALSE(spool().holds(name(7)));
  ASSERT_TRUE(spool().take(name(5), repository_.target()));
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(Lsn(5 * megabyte), Lsn(6 * megabyte))));
  EXPECT_FALSE(spool().take(name(5), repository_.target()));
}

TEST_F(SpoolOfSegments, HashesAgainWhatWasTouchedAndTakesItWhenNothingChanged) {
  fill(1);
  std::ofstream(spooled(name(4)), std::ios::binary) << text_of(wal_bytes(Lsn(4 * megabyte), Lsn(5 * megabyte)));
  EXPECT_TRUE(spool().take(name(4), repository_.target()));
  fill(1);
  const auto record = spooled(name(4)) += ".record";
  auto text = base::read_file(record);
  text.replace(text.find("stamp ") + 6, 8, "anotherb");  // the machine was started again since
  std::ofstream(record) << text;
  EXPECT_TRUE(spool().take(name(4), repository_.target()));
}

TEST_F(SpoolOfSegments, IsPrivate) {
  fill(1);
  struct stat status {};
  ASSERT_EQ(::stat(spooled("").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  fs::permissions(spooled(""), fs::perms(0777));
  EXPECT_FALSE(spool().make()) << "others could have written there";
}

TEST_F(SpoolOfSegments, IsNotMadeInPlaceOfALink) {
  fs::create_directory_symlink(folder(), folder() / ".lifeboat-fetch");
  EXPECT_FALSE(spool().make());
}

TEST_F(SpoolOfSegments, BelievesNothingThatItsRecordDoesNotSay) {
  const auto spoil = [&](const std::string& what, const std::function<void()>& how) {
    fill(1);
    wait_for_a_tick();
    how();
    EXPECT_FALSE(spool().take(name(4), repository_.target())) << what;
    EXPECT_FALSE(spool().holds(name(4))) << what << ": it is removed";
    EXPECT_FALSE(fs::exists(repository_.target()));
  };
  const auto file = spooled(name(4));
  spoil("a flipped bit", [&] {
    auto text = base::read_file(file);
    text[1000] ^= 1;
    std::ofstream(file, std::ios::binary) << text;
  });
  spoil("cut off", [&] { fs::resize_file(file, megabyte / 2); });
  spoil("zeros behind a power loss", [&] { std::ofstream(file, std::ios::binary) << std::string(megabyte, '\0'); });
  spoil("no record", [&] { fs::remove(file.string() + ".record"); });
  spoil("another segment's", [&] {
    prefetch(repository_.archive(), spool(), {one, 4}, 1);
    fs::remove(file);
    fs::rename(spooled(name(5)), file);
    fs::rename(spooled(name(5)) += ".record", file.string() + ".record");
  });
  fill(1);
  EXPECT_FALSE(spool("other").take(name(4), repository_.target())) << "of another cluster";
}

// What goes on behind a fetch watches the leader of its session. In a container the leader can be outside, as session
// 0; PostgreSQL's startup process always leads its own.
TEST_F(SpoolOfSegments, FetchingTakesFromItAndGoesOnBehind) {
  if (::getsid(0) == 0) {
    ASSERT_NE(::setsid(), -1);
  }
  ASSERT_EQ(fetch(name(3)), WalFetchOutcome::fetched);
  wait_for_prefetch();
  EXPECT_TRUE(spool().holds(name(4)));
  EXPECT_TRUE(spool().holds(name(5)));
  EXPECT_FALSE(spool().holds(name(6))) << "bounded";
  remove_from_repository(4);
  ASSERT_EQ(fetch(name(4)), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(Lsn(4 * megabyte), Lsn(5 * megabyte))));
  wait_for_prefetch();
  ASSERT_EQ(fetch(name(5)), WalFetchOutcome::fetched);
  wait_for_prefetch();
  EXPECT_TRUE(spool().holds(name(7)));
}

TEST_F(SpoolOfSegments, WhatCannotBeBelievedIsFetchedAnew) {
  fill(2);
  wait_for_a_tick();
  std::ofstream(spooled(name(4)), std::ios::binary) << "torn";
  ASSERT_EQ(fetch(name(4)), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(Lsn(4 * megabyte), Lsn(5 * megabyte))));
}

TEST_F(SpoolOfSegments, AnotherTimelinesSegmentIsAnotherFile) {
  put_segment(two, 4, 9);
  fill(2);
  ASSERT_EQ(fetch(name(4, two)), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(Lsn(4 * megabyte), Lsn(5 * megabyte), 9)));
}

TEST_F(SpoolOfSegments, NeverHoldsAnOpenSegment) {
  repository_.archive().put_part(one, Lsn(9 * megabyte), wal_bytes(Lsn(9 * megabyte), Lsn(9 * megabyte + 100)));
  fill(5, 7);
  EXPECT_TRUE(spool().holds(name(8)));
  EXPECT_FALSE(spool().holds(name(9)));
}

TEST_F(SpoolOfSegments, KeepsOnlyWhatIsNear) {
  fill(5);
  spool().keep_near({one, 5}, repository_.size, 1);
  EXPECT_FALSE(spool().holds(name(4)));
  for (const std::uint64_t number : {5U, 6U, 7U}) EXPECT_TRUE(spool().holds(name(number)));
  EXPECT_FALSE(spool().holds(name(8)));
}

TEST_F(SpoolOfSegments, GoesAtTheEndOfWalAndWhenTimelinesAreLookedFor) {
  for (const auto& last : {name(9), std::string("00000002.history")}) {
    fill(2);
    EXPECT_EQ(fetch(last), WalFetchOutcome::not_there);
    EXPECT_FALSE(fs::exists(spooled("")));
    const fs::directory_iterator entries(folder());
    EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "the repository alone";
  }
}

TEST_F(SpoolOfSegments, IsNotMadeAgainByAProcessThatStillFillsIt) {
  fill(1);
  const auto late = spool();
  spool().clear();
  EXPECT_THROW(prefetch(repository_.archive(), late, {one, 4}, 2), base::Error);
  EXPECT_FALSE(late.lock());
  EXPECT_FALSE(fs::exists(spooled("")));
}

// As PostgreSQL's startup process does, each server process leads a session of its own. When it goes, by promotion or
// by SIGKILL, nobody may go on writing into its data directory.
TEST_F(SpoolOfSegments, WhoeverFillsItEndsWithTheLeaderOfItsSession) {
  ASSERT_TRUE(spool().make());
  const auto leader = ::fork();
  ASSERT_GE(leader, 0);
  if (leader == 0) {
    ::setsid();
    start_behind(spool(), [] {
      for (;;) ::pause();
    });
    ::_exit(spool().lock() ? 1 : 0);  // held by the one that was started
  }
  int status = 0;
  ASSERT_EQ(::waitpid(leader, &status, 0), leader);
  EXPECT_EQ(status, 0);
  wait_for_prefetch();
}

// Where PostgreSQL is process 1 it is given this child too, and a child that ends with a signal is a crash to it.
TEST_F(SpoolOfSegments, WhoeverFillsItEndsWithSuccessWhenToldToEnd) {
  ASSERT_TRUE(spool().make());
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const auto leader = ::fork();
  ASSERT_GE(leader, 0);
  if (leader == 0) {
    ::setsid();
    const auto fetch = ::fork();
    if (fetch == 0) {
      start_behind(spool(), [&] {
        std::ofstream(spooled("is-at-work")).flush();
        for (;;) ::pause();
      });
      ::_exit(0);
    }
    ::waitpid(fetch, nullptr, 0);
    ::signal(SIGTERM, SIG_IGN);
    std::ofstream(spooled("is-told-next")).flush();
    for (;;) ::pause();
  }
  base::poll_until(base::Deadline::after(std::chrono::seconds(20)), "the one that fills it", [&] {
    const bool ready = fs::exists(spooled("is-at-work")) && fs::exists(spooled("is-told-next"));
    return ready ? std::nullopt : std::optional<std::string>("not yet");
  });
  ASSERT_EQ(::kill(-leader, SIGTERM), 0);  // as the postmaster does, to its startup process and all that it started
  int status = 0;
  ASSERT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ::kill(leader, SIGKILL);
  ::waitpid(leader, nullptr, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(SpoolLimit, IsBoundedByBytes) {
  const auto of = [](std::uint64_t megabytes) { return postgres::SegmentSize::of_bytes(megabytes * megabyte); };
  EXPECT_EQ(spool_limit(8, of(1), "/dev/shm"), 8U);
  EXPECT_EQ(spool_limit(64, of(64), "/"), 4U);
  EXPECT_EQ(spool_limit(8, of(1024), "/"), 0U);
  EXPECT_EQ(spool_limit(8, of(16), "/nowhere/at/all/below/proc"), spool_limit(8, of(16), "/")) << "by its parent";
}

}  // namespace
}  // namespace backup_engine::wal

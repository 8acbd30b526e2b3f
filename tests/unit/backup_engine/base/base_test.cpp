// The ground floor: waiting, errors, files, times, threads, quantities, temporary directories.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/file_time.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/path_order.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "tests/support/failure.hpp"

namespace fs = std::filesystem;
using namespace backup_engine::base;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using tests::kind_of_failure;

namespace {

class OnDisk : public ::testing::Test {
 protected:
  TemporaryDirectory directory_{"/var/tmp", "lifeboat-base"};
};

}  // namespace

TEST(PollUntil, ReturnsOnceNothingIsLeftToWaitFor) {
  int looks = 0;
  poll_until(Deadline::never(), "three looks", [&]() -> std::optional<std::string> {
    if (++looks == 3) return std::nullopt;
    return "not yet";
  });
  EXPECT_EQ(looks, 3);
}

TEST(PollUntil, SaysWhatItWaitedForAndSawLast) {
  std::string message;
  EXPECT_EQ(kind_of_failure([] { poll_until(Deadline::after(1ms), "the tide", [] { return std::optional("low"); }); },
                            &message),
            ErrorKind::timed_out);
  EXPECT_THAT(message, ::testing::AllOf(HasSubstr("the tide"), HasSubstr("low")));
}

TEST(PollUntil, LooksOnceEvenWhenTheDeadlineHasPassed) {
  EXPECT_NO_THROW(poll_until(Deadline::after(-1s), "nothing", [] { return std::optional<std::string>(); }));
}

TEST(PollUntil, EndsWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(kind_of_failure([&] {
              poll_until(
                  Deadline::never(), "x", [] { return std::optional("y"); }, stop.get_token());
            }),
            ErrorKind::interrupted);
}

TEST(Deadline, HasNothingRemainingOnceExpired) {
  EXPECT_TRUE(Deadline::after(-1s).expired());
  EXPECT_EQ(Deadline::after(-1s).remaining(), 0ms);
  EXPECT_FALSE(Deadline::never().expired());
}

TEST(ErrorText, ShowsMessageRemedyCommandAndLog) {
  const auto error =
      Error(ErrorKind::process, "it broke").with_remedy("mend it").of_command("tool --x").with_log_tail("last words");
  const auto text = describe(error);
  for (const auto* const part : {"lifeboat: it broke", "mend it", "tool --x", "last words"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_EQ(describe(Error(ErrorKind::io, "plain")), "lifeboat: plain");
}

TEST(SystemError, TellsTheKindsApart) {
  EXPECT_EQ(system_error(ENOENT, "open", "/x").kind(), ErrorKind::not_found);
  EXPECT_EQ(system_error(EEXIST, "open", "/x").kind(), ErrorKind::already_exists);
  EXPECT_EQ(system_error(EACCES, "open", "/x").kind(), ErrorKind::permission);
  EXPECT_EQ(system_error(ENOSPC, "open", "/x").kind(), ErrorKind::no_space);
  EXPECT_EQ(system_error(EIO, "open", "/x").kind(), ErrorKind::io);
  EXPECT_THAT(system_error(EIO, "open", "/x").what(), HasSubstr("cannot open: /x: "));
}

TEST_F(OnDisk, WritesAtomicallyAndReadsBack) {
  const auto path = directory_.path() / "file";
  const std::string text(200'000, 'x');
  write_file_atomically(path, "old");
  write_file_atomically(path, text, 0600);
  EXPECT_EQ(read_file(path), text);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(OnDisk, ReadsWhatIsLeftAtTheEnd) {
  const auto path = directory_.path() / "file";
  write_file_atomically(path, "0123456789");
  const auto fd = open_for_reading(path);
  std::vector<std::byte> buffer(8);
  EXPECT_EQ(read_at(fd.get(), buffer, 0, path), 8U);
  EXPECT_EQ(read_at(fd.get(), buffer, 6, path), 4U);
  EXPECT_EQ(read_at(fd.get(), buffer, 60, path), 0U);
}

TEST_F(OnDisk, NamesTheFileThatIsNotThere) {
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(read_file(directory_.path() / "absent")); }, &message),
            ErrorKind::not_found);
  EXPECT_THAT(message, HasSubstr("absent"));
}

TEST_F(OnDisk, WhateverHasANameIsThereAndWhatCannotBeKnownIsNoAnswer) {
  const auto file = directory_.path() / "file", link = directory_.path() / "link", loop = directory_.path() / "loop";
  write_file_atomically(file, "x");
  fs::create_symlink("nowhere", link);
  fs::create_symlink("loop", loop);
  for (const auto& path : {directory_.path(), file, link, loop}) EXPECT_TRUE(is_there(path)) << path;
  for (const auto& path : {directory_.path() / "absent", directory_.path() / "absent" / "inside", file / "below"}) {
    EXPECT_FALSE(is_there(path)) << path;
  }
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(is_there(loop / "inside")); }, &message), ErrorKind::io);
  EXPECT_THAT(message, HasSubstr("loop/inside"));
}

TEST_F(OnDisk, ADescriptorHasOneOwner) {
  write_file_atomically(directory_.path() / "file", "x");
  auto first = open_for_reading(directory_.path() / "file");
  const int number = first.get();
  UniqueFd second(std::move(first));
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): that is the claim
  EXPECT_EQ(second.get(), number);
  second.reset();
  struct stat info {};
  EXPECT_NE(::fstat(number, &info), 0);
}

TEST_F(OnDisk, AFileIsPutInPlaceOnlyWhereNoneIs) {
  auto& files = posix_file_system();
  write_file_atomically(directory_.path() / "new", "new");
  write_file_atomically(directory_.path() / "old", "old");
  EXPECT_EQ(kind_of_failure([&] { files.rename_if_absent(directory_.path() / "new", directory_.path() / "old"); }),
            ErrorKind::already_exists);
  EXPECT_EQ(read_file(directory_.path() / "old"), "old");
  files.rename_if_absent(directory_.path() / "new", directory_.path() / "other");
  EXPECT_EQ(read_file(directory_.path() / "other"), "new");
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(files.create(directory_.path() / "old", 0600)); }),
            ErrorKind::already_exists);
}

TEST(LiesIn, GoesByWholeNames) {
  EXPECT_TRUE(lies_in("/srv/data", "/srv/data"));
  EXPECT_TRUE(lies_in("/srv/data/base/1", "/srv/data"));
  EXPECT_TRUE(lies_in("/srv/data", "/"));
  EXPECT_FALSE(lies_in("/srv/data2", "/srv/data"));
  EXPECT_FALSE(lies_in("/srv", "/srv/data"));
}

TEST_F(OnDisk, FreeSpaceIsKnownForAPathThatIsNotThereYet) {
  EXPECT_GT(free_space_bytes(directory_.path() / "not" / "there"), 0U);
}

TEST_F(OnDisk, ATemporaryDirectoryIsPrivateAndGoesButNotThroughLinks) {
  fs::create_directory(directory_.path() / "outside");
  write_file_atomically(directory_.path() / "outside" / "file", "x");
  fs::path gone, kept;
  {
    TemporaryDirectory inner(directory_.path(), "inner");
    gone = inner.path();
    EXPECT_EQ(fs::status(gone).permissions(), fs::perms::owner_all);
    fs::create_directory_symlink(directory_.path() / "outside", gone / "link");
    TemporaryDirectory moved(std::move(inner));
    EXPECT_TRUE(fs::exists(gone));
    TemporaryDirectory other(directory_.path(), "kept");
    kept = other.path();
    other.keep();
  }
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_TRUE(fs::exists(directory_.path() / "outside" / "file"));
}

TEST(UtcTimeText, ComesBackAsItWasWritten) {
  for (const auto* const text :
       {"2026-11-20T02:15:00.123456Z", "1970-01-01T00:00:00.000000Z", "2028-02-29T23:59:59.999999Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(to_rfc3339(*time), text);
  }
  EXPECT_EQ(parse_rfc3339("2026-11-20T02:15:00.5Z"), parse_rfc3339("2026-11-20T02:15:00.500000Z"));
  EXPECT_EQ(to_compact(*parse_rfc3339("2026-11-20T02:15:00.9Z")), "20261120T021500Z");
  const auto now = utc_now();
  EXPECT_EQ(parse_rfc3339(to_rfc3339(now)), now);
}

TEST(UtcTimeText, OfAnyOtherShapeIsNone) {
  for (const auto* const text :
       {"", "2026-11-20", "2026-11-20T02:15:00", "2026-11-20 02:15:00Z", "2026-02-30T02:15:00Z", "2026-11-20T24:00:00Z",
        "2026-11-20T02:15:00.Z", "2026-11-20T02:15:00.1234567Z", "2026-11-20T02:15:00+01:00", "+026-11-20T02:15:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(UtcTime, IsCountedAsFileSystemsDo) {
  const auto time = *parse_rfc3339("2026-11-20T02:15:00.123456Z");
  EXPECT_EQ(to_nanoseconds(time), 1'795'140'900'123'456'000);
  EXPECT_EQ(from_nanoseconds(1'795'140'900'123'456'789), time);
  EXPECT_EQ(from_nanoseconds(to_nanoseconds(UtcTime())), UtcTime());
}

TEST(ForEachInParallel, DoesEveryItemOnce) {
  for (const unsigned jobs : {0U, 1U, 4U, 64U}) {
    std::vector<std::atomic<int>> done(100);
    for_each_in_parallel(jobs, done.size(), [&](std::size_t item) { ++done[item]; });
    for (const auto& count : done) EXPECT_EQ(count, 1);
  }
  for_each_in_parallel(4, 0, [](std::size_t) { FAIL() << "there is no item"; });
}

TEST(ForEachInParallel, RethrowsTheFirstErrorAndTakesNoFurtherItems) {
  std::atomic<int> begun = 0;
  EXPECT_EQ(kind_of_failure([&] {
              for_each_in_parallel(1, 100, [&](std::size_t item) {
                ++begun;
                if (item == 3) throw Error(ErrorKind::corrupt, "item 3");
              });
            }),
            ErrorKind::corrupt);
  EXPECT_EQ(begun, 4);
}

TEST(ForEachInParallel, EndsWhenStopped) {
  std::stop_source stop;
  std::atomic<int> begun = 0;
  EXPECT_EQ(kind_of_failure([&] {
              for_each_in_parallel(
                  2, 1000,
                  [&](std::size_t) {
                    ++begun;
                    stop.request_stop();
                  },
                  stop.get_token());
            }),
            ErrorKind::interrupted);
  EXPECT_LE(begun, 2);
}

TEST(QuantityText, IsForPeople) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(999'949), "999.9 kB");
  EXPECT_EQ(bytes_text(999'951), "1.0 MB");
  EXPECT_EQ(bytes_text(1'234'567'890), "1.2 GB");
  EXPECT_EQ(seconds_text(0), "0.00 s");
  EXPECT_EQ(seconds_text(0.001), "1.0 ms");
  EXPECT_EQ(seconds_text(0.432), "0.43 s");
  EXPECT_EQ(seconds_text(12.04), "12.0 s");
  EXPECT_EQ(seconds_text(200), "3 min 20 s");
  EXPECT_EQ(seconds_text(7260), "2 h 1 min");
}

TEST(Sha256, GivesThePublishedValues) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  pieces.update(std::as_bytes(std::span("a", 1)));
  pieces.update(std::as_bytes(std::span("bc", 2)));
  EXPECT_EQ(to_hex(pieces.finish()), sha256_hex("abc"));
}

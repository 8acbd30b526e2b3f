// WAL that comes by archive_command alone: durable before PostgreSQL is told so, enough for backups and for recovery.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/wal/archiving.hpp"

namespace tests {
namespace {

namespace fs = std::filesystem;
using backup_engine::WalFetchOutcome;
using backup_engine::base::poll_until;
using harness::server::soon;
using harness::server::StopMode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ArchiveCommand : public Archiving {
 protected:
  void back_up(const std::vector<std::string>& more) const {
    auto arguments = in_cluster({"backup"}, {"--dbname", server_->conninfo(), "--progress", "none"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_THAT(lifeboat_ok(arguments), HasSubstr("-full: "));
  }
};

TEST_F(ArchiveCommand, IsEnoughForBackupsByPathAndByStreamAndForRecovery) {
  start_archiving();
  execute("CREATE TABLE boats (name text)");
  back_up({"--pgdata", options().data_directory});
  execute("INSERT INTO boats VALUES ('between')");
  back_up({});
  execute("INSERT INTO boats VALUES ('archived')");
  archive_everything();
  execute("INSERT INTO boats VALUES ('not archived')");
  server_->kill();
  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "restored"}));
  EXPECT_EQ(answer_of("restored", "SELECT string_agg(name, ', ' ORDER BY name) FROM boats"), "archived, between");
}

TEST_F(ArchiveCommand, HoldsTheServersSegmentsByteForByteAndCatchesUp) {
  make_cluster_with_segments(1);
  start_archiving();
  set_archive_command("false");
  write_wal(12);
  set_archive_command(push_command());
  archive_everything();
  // Counted once the last of them was marked as done.
  backup_engine::base::poll_until(soon(), "the archiver to have counted them", [&]() -> std::optional<std::string> {
    const auto count = archiver("archived_count");
    return std::stoi(count) >= 12 ? std::nullopt : std::optional(count);
  });
  server_->stop(StopMode::fast, soon());
  const auto held = ranges();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_GE(compare_with_server(held[0]), 12);
}

TEST_F(ArchiveCommand, ThatFailsLeavesTheSegmentToPostgresqlWhichTriesAgain) {
  start_archiving();
  const auto away = directory_.path() / "unmounted";
  archive_everything();
  fs::rename(repository_, away);
  const auto segment = end_segment();
  poll_until(soon(), "the archiver to fail", [&]() -> std::optional<std::string> {
    return archiver("last_failed_wal") == segment ? std::nullopt : std::optional(archiver("last_failed_wal"));
  });
  EXPECT_TRUE(fs::exists(directory_.path() / "data" / "pg_wal" / "archive_status" / (segment + ".ready")));
  EXPECT_FALSE(fs::exists(repository_)) << "a repository that is not mounted is not made anew";
  fs::rename(away, repository_);
  execute("SELECT pg_reload_conf()");
  archive_everything();
  EXPECT_EQ(fetch(segment), WalFetchOutcome::fetched);
}

// Exit 0 would mean that PostgreSQL may remove the segment.
TEST_F(ArchiveCommand, ThatAsksForHelpHasArchivedNothing) {
  const std::string segment = "pg_wal/000000010000000000000003";
  EXPECT_EQ(lifeboat({"wal", "push", "--help", segment}).code, 3);
  EXPECT_EQ(lifeboat({"wal", "push", "-h", "host", segment}).code, 3);
  EXPECT_EQ(lifeboat({"-h", "wal", "push", segment}).code, 3);
  EXPECT_EQ(lifeboat({"wal", "push", "--help"}).code, 0) << "by hand";
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"}, {"-h", segment}}) {
    harness::process::Command command;
    command.program = lifeboat_.string() + "-wal-push";
    command.arguments = arguments;
    command.run_as = user_;
    const auto done = harness::process::run(command, soon());
    EXPECT_EQ(done.status.code, 3) << done.output;
    EXPECT_THAT(done.output, HasSubstr("archive_command"));
  }
}

TEST_F(ArchiveCommand, NeverReplacesASegmentThatHasOtherContent) {
  start_archiving();
  archive_everything();
  const auto segment = end_segment();
  wait_until_archived(segment);
  ASSERT_EQ(fetch(segment), WalFetchOutcome::fetched);
  const auto kept = backup_engine::base::read_file(directory_.path() / "fetched");
  // Another server's segment under the same name, as after a restore that archives into its source's cluster.
  const auto forged = directory_.path() / segment;
  auto other = kept;
  other[other.size() / 2] ^= 0x40;
  std::ofstream(forged, std::ios::binary) << other;
  const auto refused = lifeboat(in_cluster({"wal", "push"}, {forged}));
  EXPECT_EQ(refused.code, 3) << refused.words;
  EXPECT_THAT(refused.words, HasSubstr("other content"));
  ASSERT_EQ(fetch(segment), WalFetchOutcome::fetched);
  EXPECT_EQ(backup_engine::base::read_file(directory_.path() / "fetched"), kept);
  std::ofstream(forged, std::ios::binary) << kept;
  lifeboat_ok(in_cluster({"wal", "push"}, {forged}));
}

TEST_F(ArchiveCommand, OfAnotherClusterIsRefused) {
  start_archiving();
  archive_everything();
  const auto other = started(options("other"));
  const auto segment = other.connect().query("SELECT pg_walfile_name(pg_current_wal_lsn())").single();
  const auto refused = lifeboat(in_cluster({"wal", "push"}, {options("other").data_directory / "pg_wal" / segment}));
  EXPECT_EQ(refused.code, 3) << refused.words;
  EXPECT_THAT(refused.words, HasSubstr("system identifier"));
}

TEST_F(ArchiveCommand, AgreesWithAReceiverBesideIt) {
  make_cluster_with_segments(1);
  start_archiving();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  write_wal(8);
  const auto last = end_segment();
  wait_until_archived(last);
  receiver.wait_until_durable(flushed());
  receiver.stop();
  EXPECT_EQ(archiver("failed_count"), "0");
  server_->stop(StopMode::fast, soon());
  const auto held = ranges();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_GE(compare_with_server(held[0]), 8);
  for (const auto& object : storage().list("clusters/main/wal/00000001/")) {
    EXPECT_FALSE(object.name.find(last + ".part-") != std::string::npos)
        << object.name << " is left of a whole segment";
  }
}

TEST_F(ArchiveCommand, IsCheckedWithItsGapsAndItsServer) {
  make_cluster_with_segments(1);
  start_archiving();
  archive_everything();
  const auto check = in_cluster({"wal", "check"}, {"--dbname", server_->conninfo(), "--json"});
  EXPECT_THAT(lifeboat(check).words, HasSubstr("there is no backup"));
  back_up({"--pgdata", options().data_directory});
  const auto lost = end_segment();
  wait_until_archived(lost);
  archive_everything();
  const auto sound = lifeboat(check);
  EXPECT_EQ(sound.code, 0) << sound.words;

  // A slot that nobody reads, on a server that sets it no limit, is warned of.
  EXPECT_THAT(lifeboat({"doctor", "--dbname", server_->conninfo()}).words, Not(HasSubstr("slot \"")));
  execute("SELECT pg_create_physical_replication_slot('forgotten', true)");
  const auto warned = lifeboat(in_cluster({"wal", "check"}, {"--dbname", server_->conninfo()}));
  EXPECT_EQ(warned.code, 0) << warned.words;
  EXPECT_THAT(warned.words, AllOf(HasSubstr("warning: nobody reads the slot \"forgotten\""),
                                  HasSubstr("warning: max_slot_wal_keep_size is -1")));

  EXPECT_THAT(lifeboat({"doctor", "--dbname", server_->conninfo()}).words,
              HasSubstr("limited  the server: nobody reads the slot \"forgotten\""));

  const auto text = lifeboat_ok(in_cluster({"wal", "check"}));
  EXPECT_THAT(text, AllOf(HasSubstr("-full  recoverable to any point from"), HasSubstr("held ")));
  fs::remove(repository_ / "clusters/main/wal/00000001/00000000" / (lost + ".lz4"));
  const auto gap = lifeboat(in_cluster({"wal", "check"}));
  EXPECT_EQ(gap.code, 1) << gap.words;
  EXPECT_THAT(gap.words, AllOf(HasSubstr("MISSING"), HasSubstr("problem: no backup can be recovered to any point")));

  // A restore over it is refused before anything is written, and one before it is not.
  const auto over = lifeboat(in_cluster({"restore"}, {"--to", directory_.path() / "over"}));
  EXPECT_EQ(over.code, 1) << over.words;
  EXPECT_THAT(over.words, AllOf(HasSubstr("the WAL of timeline 1 is missing from"), HasSubstr("what to do: ")));
  EXPECT_FALSE(fs::exists(directory_.path() / "over"));
  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "before", "--target-immediate"}));
}

// The new timeline's history, its first segment (which begins with the old one's pages) and the old one's last,
// partial.
TEST_F(ArchiveCommand, FollowsAPromotion) {
  start_archiving();
  execute("CREATE TABLE boats (name text)");
  back_up({"--pgdata", options().data_directory});
  execute("INSERT INTO boats VALUES ('on the first')");
  archive_everything();
  execute("INSERT INTO boats VALUES ('on the first, and in the second''s first segment')");
  server_->stop(StopMode::fast, soon());
  { std::ofstream(directory_.path() / "data" / "standby.signal"); }
  start_archiving();
  EXPECT_EQ(ask("SELECT pg_promote()"), "t");
  execute("INSERT INTO boats VALUES ('on the second')");
  archive_everything();
  EXPECT_EQ(fetch("00000002.history"), WalFetchOutcome::fetched);
  EXPECT_EQ(ranges().back().timeline, TimelineId(2));
  bool partial = false;
  for (const auto& object : storage().list("clusters/main/wal/")) partial |= object.name.ends_with(".partial");
  EXPECT_TRUE(partial);
  server_->kill();
  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "restored"}));
  EXPECT_EQ(answer_of("restored", "SELECT count(*) FROM boats"), "3");
}

}  // namespace
}  // namespace tests

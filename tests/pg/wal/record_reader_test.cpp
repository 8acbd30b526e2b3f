// The records of a real server's WAL, of every PostgreSQL that this machine has, against what PostgreSQL's own
// pg_waldump reads from the same bytes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/record_reader.hpp"
#include "harness/verify/wal_dump_lines.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace tests {
namespace {

namespace fs = std::filesystem;
using namespace backup_engine;
using harness::server::Installation;
using harness::server::soon;
using postgres::Lsn;
using postgres::TimelineId;

// The system's, and those that tests/versions/install put beside it.
std::vector<Installation> installations() {
  auto found = harness::server::find_installations(std::nullopt);
  for (const auto* const bin : {"/opt/lifeboat-test-postgres/17/usr/lib/postgresql/17/bin",
                                "/opt/lifeboat-test-postgres/18/usr/lib/postgresql/18/bin"}) {
    if (!fs::exists(fs::path(bin) / "pg_waldump")) continue;
    for (const auto& beside : harness::server::find_installations(bin)) found.push_back(beside);
  }
  std::erase_if(found, [](const Installation& each) { return !postgres::supported(each.version.major()); });
  return found;
}

class ReadRealRecords : public testing::TestWithParam<Installation> {
 protected:
  ReadRealRecords() {
    harness::provision::make_cluster(
        {.installation = GetParam(),
         .data_directory = data(),
         .checksums = true,
         .settings = {{"wal_level", "logical"}, {"max_prepared_transactions", "5"}, {"wal_keep_size", "1GB"}},
         .run_as = user_});
  }
  [[nodiscard]] fs::path data() const { return directory_.path() / "data"; }

  // Every kind of end that a transaction can have, records that span pages and segments, a segment cut short.
  static void write_wal(postgres::Connection connection) {
    connection.execute("CREATE TABLE t (i int PRIMARY KEY, filling text)");
    connection.execute("CREATE TABLE going (i int); CREATE INDEX ON going (i)");
    connection.execute("BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); COMMIT");
    connection.execute("BEGIN; INSERT INTO t VALUES (3); SAVEPOINT s; INSERT INTO t VALUES (4); ROLLBACK TO s; COMMIT");
    connection.execute("BEGIN; INSERT INTO t VALUES (5); ROLLBACK");
    connection.execute("BEGIN; DROP TABLE going; SAVEPOINT s; INSERT INTO t VALUES (6); PREPARE TRANSACTION 'a'");
    connection.query("SELECT pg_create_restore_point('it''s here')");
    connection.execute("COMMIT PREPARED 'a'");
    connection.execute("BEGIN; INSERT INTO t VALUES (7); PREPARE TRANSACTION 'b'");
    connection.execute("ROLLBACK PREPARED 'b'");
    connection.query("SELECT pg_logical_emit_message(true, 'large', repeat('x', 20000000))");
    connection.query("SELECT pg_switch_wal()");
    connection.execute("INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(100, 5000) i");
    connection.execute("CHECKPOINT; INSERT INTO t VALUES (8)");
    connection.query("SELECT pg_create_restore_point(repeat('n', 63))");
  }

  [[nodiscard]] std::string dump(Lsn from, Lsn to) const {
    harness::process::Command command;
    command.program = GetParam().program("pg_waldump");
    command.arguments = {"-p", (data() / "pg_wal").string(), "-s", to_string(from), "-e", to_string(to)};
    command.environment = {{"TZ", "UTC"}};
    return harness::process::run(command, soon()).output;
  }

  // As `wal receive` would have put it: whole segments, and the open one as parts.
  void archive_from(Lsn from, Lsn to, wal::WalArchive& archive) const {
    for (auto segment = segment_holding(one, from, size_); start_of(segment, size_) < to; ++segment.number) {
      const auto text = base::read_file(data() / "pg_wal" / file_name(segment, size_));
      const auto bytes = std::as_bytes(std::span(text));
      const auto start = start_of(segment, size_);
      if (start + size_.bytes() <= to) {
        archive.put_segment(segment, bytes);
      } else {
        const auto half = (to - start) / 2;
        archive.put_part(one, start, bytes.first(half));
        archive.put_part(one, start + half, bytes.subspan(half, (to - start) - half));
      }
    }
  }

  const TimelineId one{1};
  const postgres::SegmentSize size_;
  std::optional<harness::process::OsUser> user_ = harness::server::resolve_server_user("");
  harness::server::OwnedDirectory directory_ = harness::server::OwnedDirectory::create("/var/tmp", user_);
};

std::string text_of(const wal::TransactionEnd& end, Lsn start) {
  return fmt::format("{} {} {} {} [{}]", to_string(start), end.xid,
                     end.ending == wal::Ending::commit ? "committed" : "rolled back", base::to_rfc3339(end.time),
                     fmt::join(end.subtransactions, ","));
}
std::string text_of(const reports::record::CommitRecord& commit) {
  return fmt::format("{} {} {} {} [{}]", commit.lsn, commit.xid, commit.committed ? "committed" : "rolled back",
                     commit.time, fmt::join(commit.subtransactions, ","));
}

TEST_P(ReadRealRecords, AsPgWaldumpReadsThem) {
  harness::server::ServerOptions options;
  options.installation = GetParam();
  options.data_directory = data();
  options.log_file = directory_.path() / "log";
  options.run_as = user_;
  auto server = harness::server::Server::start(options);
  server.wait_until_ready(soon());
  const auto position = [&] {
    return *postgres::parse_lsn(server.connect().query("SELECT pg_current_wal_insert_lsn()").single());
  };
  const auto from = position();
  write_wal(server.connect());
  const auto to = position();
  server.connect().query("SELECT pg_logical_emit_message(true, 'last', '')");  // and so everything before is flushed
  const auto dumped = dump(from, to);

  const RepositoryLocation location{(directory_.path() / "repository").string()};
  init_repository(location);
  const auto storage = store::open_repository(location);
  store::open_or_create_cluster(*storage, "main", {42, GetParam().version.major(), size_, true});
  wal::WalArchive archive(*storage, "main", size_, Compression{Codec::lz4, 0});
  archive_from(from, to, archive);
  wal::RecordReader records(archive, path_to(archive, one), GetParam().version.major());
  records.begin_at(from);

  std::vector<std::string> places, ends, points;
  while (const auto record = records.next()) {
    places.push_back(to_string(record->start) + "-" + to_string(record->end));
    if (const auto end = parse_transaction_end(*record, GetParam().version.major())) {
      ends.push_back(text_of(*end, record->start));
    }
    if (const auto point = parse_restore_point(*record)) points.push_back(point->name);
  }
  std::vector<std::string> dumped_places, dumped_ends;
  const harness::verify::DumpedWal wal{1, size_};
  for (const auto& place : harness::verify::parse_places(dumped, wal)) {
    dumped_places.push_back(place.lsn + "-" + place.end_lsn);
  }
  for (const auto& commit : harness::verify::parse_dumped_records(dumped, wal).commits) {
    dumped_ends.push_back(text_of(commit));
  }
  EXPECT_GT(places.size(), 10000U);
  EXPECT_EQ(places, dumped_places);
  EXPECT_GE(ends.size(), 11U);
  EXPECT_EQ(ends, dumped_ends);
  EXPECT_THAT(points, testing::ElementsAre("it's here", std::string(63, 'n')));
  EXPECT_EQ(records.end(), to);
}

INSTANTIATE_TEST_SUITE_P(Installed, ReadRealRecords, testing::ValuesIn(installations()), [](const auto& parameter) {
  return "PostgreSQL" + std::to_string(parameter.param.version.major());
});

}  // namespace
}  // namespace tests

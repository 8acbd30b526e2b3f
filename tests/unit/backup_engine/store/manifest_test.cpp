#include "backup_engine/store/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/file_table.hpp"
#include "backup_engine/store/sealed_json.hpp"
#include "tests/support/failure.hpp"

namespace store = backup_engine::store;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::HasSubstr;
using tests::kind_of_failure;

namespace {

store::Manifest some_manifest() {
  store::Manifest manifest;
  manifest.summary.cluster = "main";
  manifest.summary.label = "20261120T021500Z-full";
  manifest.summary.source = "files";
  manifest.summary.started_at = manifest.summary.finished_at =
      *backup_engine::base::parse_rfc3339("2026-11-20T02:15:00.5Z");
  manifest.summary.start_lsn = backup_engine::postgres::Lsn(0x16B374D848);
  manifest.summary.timeline = backup_engine::postgres::TimelineId(11);
  manifest.summary.system_identifier = 18'446'744'073'709'551'615ULL;
  manifest.summary.data_checksums = true;
  manifest.tablespaces = {{16400, "/srv/\xff\xfe not UTF-8"}};
  manifest.summary.stopped_at = backup_engine::base::parse_rfc3339("2026-11-20T02:15:01.25Z");
  manifest.databases = {{4, "template0", true}, {16384, "\xe9t\xe9 in LATIN1", false}};
  manifest.backup_label_text = "START WAL LOCATION: …\nLABEL: x\n";
  manifest.damaged_pages = {{"base/1/2", 7}};
  manifest.external_files = {"/etc/postgresql/15/main/postgresql.conf"};
  manifest.block_size_bytes = 65536;
  manifest.block_count = 12;
  manifest.packs = {{"20261120T021500Z-full", 3, {99, "00ff"}}};
  manifest.index_backups = {"20261120T021500Z-full"};
  manifest.block_root = {7, "aa"};
  return manifest;
}

store::FileTable table_of(std::vector<store::FileEntry> entries) {
  return {store::encode_file_table(entries), "files"};
}

store::FileEntry entry_at(std::string path) {
  store::FileEntry entry;
  entry.path = std::move(path);
  return entry;
}

}  // namespace

TEST(Manifest, ComesBackAsItWasWritten) {
  const auto manifest = some_manifest();
  const auto read = store::decode_manifest(store::encode_manifest(manifest), "m");
  EXPECT_EQ(read.summary.started_at, manifest.summary.started_at);
  EXPECT_EQ(read.summary.start_lsn, manifest.summary.start_lsn);
  EXPECT_EQ(read.summary.system_identifier, manifest.summary.system_identifier);
  EXPECT_EQ(read.summary.timeline, manifest.summary.timeline);
  EXPECT_TRUE(read.summary.data_checksums);
  ASSERT_EQ(read.tablespaces.size(), 1U);
  EXPECT_EQ(read.tablespaces[0].path, manifest.tablespaces[0].path);
  EXPECT_EQ(read.summary.stopped_at, manifest.summary.stopped_at);
  EXPECT_EQ(read.databases, manifest.databases);
  EXPECT_EQ(read.backup_label_text, manifest.backup_label_text);
  EXPECT_EQ(read.external_files, manifest.external_files);
  EXPECT_EQ(read.damaged_pages[0].block, 7U);
  EXPECT_EQ(read.packs[0].digest, manifest.packs[0].digest);
  EXPECT_EQ(read.block_root, manifest.block_root);
  EXPECT_EQ(store::encode_manifest(read), store::encode_manifest(manifest));
}

TEST(Manifest, ThatSaysNothingOfDatabasesOrItsStopTimeIsReadAsNotKnowingThem) {
  auto manifest = some_manifest();
  manifest.summary.stopped_at.reset();
  manifest.databases.clear();
  auto text = store::encode_manifest(manifest);
  for (const std::string written_by_older_ones : {"without", "null"}) {
    const auto read = store::decode_manifest(text, "m");
    EXPECT_EQ(read.summary.stopped_at, std::nullopt) << written_by_older_ones;
    EXPECT_TRUE(read.databases.empty()) << written_by_older_ones;
    EXPECT_EQ(read.summary.label, manifest.summary.label);
    text.erase(text.rfind(",\n  \"sha256\""));
    for (const std::string line : {"  \"stopped_at\": null,\n", "  \"databases\": null,\n"}) {
      if (const auto at = text.find(line); at != std::string::npos) text.erase(at, line.size());
    }
    EXPECT_EQ(text.find("stopped_at"), std::string::npos);
    text = store::seal_json(text + "\n}");
  }
}

TEST(Manifest, OfAFutureVersionOrWithACipherIsRefusedAsUnsupported) {
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"version\": 1", "\"version\": 2"},
                                 {"\"cipher\": \"none\"", "\"cipher\": \"rot13\""},
                                 {"\"hash\": \"xxh3-128\"", "\"hash\": \"blake3\""},
                                 {"\"codec\": \"zstd\"", "\"codec\": \"brotli\""}}) {
    auto text = store::encode_manifest(some_manifest());
    text.erase(text.rfind(",\n  \"sha256\""));
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
    const auto resealed = store::seal_json(text + "\n}");
    EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::decode_manifest(resealed, "m")); }),
              ErrorKind::unsupported)
        << to;
  }
}

TEST(Manifest, ThatIsGarbageCutOrLacksAMemberIsCorrupt) {
  const auto text = store::encode_manifest(some_manifest());
  for (const std::size_t length : {0UL, 1UL, 80UL, text.size() / 2, text.size() - 1}) {
    EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::decode_manifest(text.substr(0, length), "m")); }),
              ErrorKind::corrupt);
  }
  const auto empty = store::seal_json("{\n  \"format\": \"lifeboat-backup\",\n  \"version\": 1\n}");
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::decode_manifest(empty, "m")); }), ErrorKind::corrupt);
  const auto other = store::seal_json("{\n  \"format\": \"lifeboat-cluster\",\n  \"version\": 1\n}");
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::decode_manifest(other, "m")); }), ErrorKind::corrupt);
}

TEST(Manifest, WhoseTextIsNotInWholeHexadecimalDigitsIsCorruptAndNamed) {
  const std::string digits = "\"e974e920696e204c4154494e31\"";
  for (const std::string other : {"\"e974e920696e204c4154494e3\"", "\"e974e920696e204c4154494e3g\""}) {
    auto text = store::encode_manifest(some_manifest());
    text.erase(text.rfind(",\n  \"sha256\""));
    ASSERT_NE(text.find(digits), std::string::npos);
    text.replace(text.find(digits), digits.size(), other);
    try {
      static_cast<void>(store::decode_manifest(store::seal_json(text + "\n}"), "m"));
      ADD_FAILURE() << "was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      EXPECT_EQ(error.what(), "m: not hexadecimal digits: {\"hex\":" + other + "}");
    }
  }
}

// They become names of objects, and of folders that are looked into.
TEST(Manifest, RefusesALabelThatIsNone) {
  const auto refuses = [](const std::function<void(store::Manifest&)>& change) {
    auto manifest = some_manifest();
    change(manifest);
    const auto text = store::encode_manifest(manifest);
    return kind_of_failure([&] { static_cast<void>(store::decode_manifest(text, "m")); }) == ErrorKind::corrupt;
  };
  const std::string evil = "../../other/backups/20261120T021500Z-full";
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.packs[0].backup_label = evil; }));
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.index_backups = {evil}; }));
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.chain = {evil}; }));
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.summary.parent_label = evil; }));
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.block_size_bytes = 1U << 31U; }));
  EXPECT_TRUE(refuses([&](auto& manifest) { manifest.block_count = ~std::uint64_t{0}; }));
}

TEST(Manifest, KnowsTheTablespacesThatItsMapNames) {
  auto manifest = some_manifest();
  manifest.tablespace_map_text = "16388 /srv/a\\\n17000 is no line\n16389 /srv/b\n";
  manifest.dropped_tablespaces = {16389};
  EXPECT_EQ(store::named_tablespaces(manifest), (std::set<std::uint32_t>{16388, 16389, 16400}));
  const auto read = store::decode_manifest(store::encode_manifest(manifest), "m");
  EXPECT_EQ(read.dropped_tablespaces, manifest.dropped_tablespaces);
}

TEST(Manifest, NamesTheDatabasesThatWereCopiedMeanwhile) {
  auto manifest = some_manifest();
  const auto read = [&] { return store::decode_manifest(store::encode_manifest(manifest), "m"); };
  EXPECT_EQ(read().copied_databases, std::nullopt) << "not known is not none";
  manifest.copied_databases.emplace();
  EXPECT_EQ(read().copied_databases->size(), 0U);
  manifest.databases = {{1, "template1", true}, {16384, "shop", false}};
  const backup_engine::postgres::Lsn record(0x3000028);
  manifest.copied_databases = {{record, 16384, 1, "", ""}, {record, 16399, 16384, "", ""}};
  EXPECT_EQ(read().copied_databases, (std::vector<backup_engine::CopiedDatabase>{
                                         {record, 16384, 1, "shop", "template1"}, {record, 16399, 16384, "", "shop"}}));
}

TEST(FileTable, KeepsEveryFieldAndFindsByPath) {
  store::FileEntry file = entry_at("base/1/1259");
  file.mode = 0640;
  file.uid = 70;
  file.gid = 71;
  file.size_bytes = 1ULL << 40U;
  file.modified_ns = -5;
  file.crc32c = 0xDEADBEEF;
  file.extents = {{5, 10}, {1'000'000'000'000, 3}};
  store::FileEntry link = entry_at("pg_tblspc/16400");
  link.kind = store::FileKind::symlink;
  link.link_target = "/srv/fast";
  store::FileEntry external = entry_at("/etc/postgresql.conf");
  external.area = store::FileArea::external;
  const auto table = table_of({link, file, external});
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table.entry(*table.find("base/1/1259")), file);
  EXPECT_EQ(table.entry(*table.find("pg_tblspc/16400")), link);
  EXPECT_EQ(table.entry(*table.find("/etc/postgresql.conf")), external);
  EXPECT_EQ(table.find("base/1"), std::nullopt);
  EXPECT_EQ(table_of({}).size(), 0U);
}

TEST(FileTable, RefusesAPathThatIsThereTwice) {
  std::vector<store::FileEntry> entries{entry_at("a"), entry_at("b"), entry_at("a")};
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::encode_file_table(entries)); }), ErrorKind::internal);
}

TEST(FileTable, RefusesEveryPathThatWouldBeWrittenElsewhere) {
  for (const auto* const path :
       {"pg_tblspc/16388//var/tmp/x/evil", "global//pg_control", "./global/pg_control", "base/../../evil", "..",
        "/evil", "base/", "base/.", "pg_tblspc/./16388/x", "pg_tblspc/16388/..", "", "."}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(kind_of_failure([&] { static_cast<void>(table_of({entry_at(path)})); }), ErrorKind::corrupt);
  }
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(table_of({entry_at(std::string("PG_VERSION\0x", 12))})); }),
            ErrorKind::corrupt);
  auto external = entry_at("etc/postgresql.conf");
  external.area = store::FileArea::external;
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(table_of({external})); }), ErrorKind::corrupt);
  auto top = entry_at(".");
  top.kind = store::FileKind::directory;
  EXPECT_EQ(table_of({top, entry_at("base/..x"), entry_at("base/1/.hidden")}).size(), 3U);
}

TEST(FileTable, KnowsTheLinksOfTablespacesByTheirNumbers) {
  for (const auto* const path :
       {"pg_tblspc/x", "pg_tblspc/16388/x", "pg_tblspc/016388", "pg_tblspc/16388x", "pg_tblspc/12345678901"}) {
    SCOPED_TRACE(path);
    auto link = entry_at(path);
    link.kind = store::FileKind::symlink;
    EXPECT_EQ(kind_of_failure([&] { static_cast<void>(table_of({link})); }), ErrorKind::corrupt);
  }
}

TEST(FileTable, RefusesSizesAndBlocksThatCannotBe) {
  auto file = entry_at("base/1/1");
  file.size_bytes = ~std::uint64_t{0};
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(table_of({file})); }), ErrorKind::corrupt);
  file.size_bytes = 3 * 4096;
  const auto check = [&](std::vector<store::BlockExtent> extents) {
    file.extents = std::move(extents);
    table_of({file}).check_blocks(4096, 10, "files");
  };
  EXPECT_NO_THROW(check({{0, 2}, {9, 1}}));
  EXPECT_EQ(kind_of_failure([&] { check({{0, 2}}); }), ErrorKind::corrupt) << "too few";
  EXPECT_EQ(kind_of_failure([&] { check({{8, 3}}); }), ErrorKind::corrupt) << "past the end";
  EXPECT_EQ(kind_of_failure([&] { check({{~std::uint64_t{0}, 3}}); }), ErrorKind::corrupt) << "round the corner";
}

TEST(FileTable, SurvivesAnyGarbage) {
  std::vector<store::FileEntry> entries{entry_at("a"), entry_at("b")};
  entries[0].extents = {{0, 1}};
  const auto bytes = store::encode_file_table(entries);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(kind_of_failure([&] {
                store::FileTable({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}, "t");
              }),
              ErrorKind::corrupt);
  }
  // Any byte may say anything: either it is refused, or every entry can still be read within bounds.
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] = std::byte{0xFF};
    try {
      const store::FileTable table(changed, "t");
      for (std::size_t i = 0; i < table.size(); ++i) EXPECT_LE(table.entry(i).path.size(), bytes.size());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
}

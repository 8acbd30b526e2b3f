#include "reports/record/mark.hpp"

#include "backup_engine/base/file.hpp"
#include "tests/unit/reports/record/scratch.hpp"

namespace reports::record {
namespace {

using backup_engine::base::ErrorKind;

Mark example() {
  Mark mark;
  mark.name = "before-drop";
  mark.restore_point = "lifeboat-before-drop";
  mark.lsn = "0/5A3B9C8";
  mark.time = "2026-11-20T02:15:07.250000Z";
  mark.timeline = 2;
  mark.ledger_acknowledged = 18'446'744'073'709'551'615U;
  mark.content.tables = {
      {"shop.orders", 12'000, "9f86d081", {{"1", "4096", 4096, "aa"}, {"4097", "12000", 7904, "bb"}}},
      {"shop.\"we\xc3\xafrd\"", 0, "0", {}, "blocks"}};
  mark.content.sequences = {{"shop.orders_id_seq", -12, true}};
  mark.content.large_objects = {"", 1, "cc", {}};
  mark.catalog = {{"table shop.orders", "d1"}, {"role shop_app", "d2"}};
  mark.settings = {{"fsync", "on"}};
  return mark;
}

class MarkFile : public Scratch {};

TEST_F(MarkFile, GivesBackWhatWasWritten) {
  const auto file = path("evidence/marks/before-drop.json");
  write_mark(file, example());
  const auto mark = read_mark(file);
  EXPECT_EQ(mark.name, "before-drop");
  EXPECT_EQ(mark.restore_point, "lifeboat-before-drop");
  EXPECT_EQ(mark.lsn, "0/5A3B9C8");
  EXPECT_EQ(mark.time, "2026-11-20T02:15:07.250000Z");
  EXPECT_EQ(mark.timeline, 2U);
  EXPECT_EQ(mark.ledger_acknowledged, 18'446'744'073'709'551'615U);
  ASSERT_EQ(mark.content.tables.size(), 2U);
  EXPECT_EQ(mark.content.tables[0].chunks.at(1).first_key, "4097");
  EXPECT_EQ(mark.content.tables[0].chunks.at(1).rows, 7904U);
  EXPECT_EQ(mark.content.tables[0].chunks_of, "keys");
  EXPECT_EQ(mark.content.tables[1].chunks_of, "blocks");
  EXPECT_EQ(mark.content.tables[1].table, "shop.\"we\xc3\xafrd\"");
  EXPECT_EQ(mark.content.sequences.at(0).last_value, -12);
  EXPECT_TRUE(mark.content.sequences.at(0).is_called);
  EXPECT_EQ(mark.content.large_objects.digest, "cc");
  EXPECT_EQ(mark.catalog, example().catalog);
  EXPECT_EQ(mark.settings, example().settings);
}

TEST_F(MarkFile, NamesTheFieldThatIsWrong) {
  write_mark(path("mark.json"), example());
  auto text = backup_engine::base::read_file(path("mark.json"));
  text.replace(text.find("4096"), 4, "4\",\"");
  write("mark.json", text);
  expect_error(ErrorKind::corrupt, "mark.json", [&] { (void)read_mark(path("mark.json")); });
  write("mark.json", R"({"name": "m"})");
  expect_error(ErrorKind::corrupt, "mark.json: restore_point is missing", [&] { (void)read_mark(path("mark.json")); });
}

TEST_F(MarkFile, WithoutAWordOnWhatItsRangesAreOfHasRangesOfKeys) {
  write_mark(path("mark.json"), example());
  auto text = backup_engine::base::read_file(path("mark.json"));
  for (const std::string gone : {",\n        \"chunks_of\": \"keys\"", ",\n        \"chunks_of\": \"blocks\""}) {
    ASSERT_NE(text.find(gone), std::string::npos);
    text.erase(text.find(gone), gone.size());
  }
  write("mark.json", text);
  EXPECT_EQ(read_mark(path("mark.json")).content.tables[1].chunks_of, "keys");
}

TEST_F(MarkFile, RefusesATruncatedFile) {
  write_mark(path("mark.json"), example());
  const auto text = backup_engine::base::read_file(path("mark.json"));
  write("mark.json", text.substr(0, text.size() / 2));
  expect_error(ErrorKind::corrupt, "not JSON", [&] { (void)read_mark(path("mark.json")); });
}

}  // namespace
}  // namespace reports::record

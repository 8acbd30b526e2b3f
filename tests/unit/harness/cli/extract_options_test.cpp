// The command line of `lifeboat extract`.
#include "harness/cli/extract_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace harness::cli {
namespace {

using backup_engine::TargetKind;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::ElementsAre;
using testing::HasSubstr;

ExtractVerb verb_of(std::vector<std::string> options) {
  options.insert(options.begin(), {"extract", "--repo", "/r", "--cluster", "c"});
  return std::get<ExtractVerb>(parse_command_line(options));
}

std::string refusal(const std::vector<std::string>& options) {
  try {
    static_cast<void>(verb_of(options));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_FALSE(error.remedy().empty());
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return "";
}

TEST(ExtractOptions, TakeTablesToATargetBesideWhatIsThere) {
  const auto verb = verb_of({"--table", "shop.orders", "--table", "shop.\"Odd\"", "--into", "dbname=shop", "--beside",
                             "old", "--target-name", "before", "--work-dir", "/w", "--run-as", "lifeboat"});
  EXPECT_THAT(verb.order.selection.tables, ElementsAre("shop.orders", "shop.\"Odd\""));
  EXPECT_EQ(verb.order.placement, extract::Placement::beside);
  EXPECT_EQ(verb.order.suffix, "old");
  EXPECT_EQ(verb.order.live_conninfo, "dbname=shop");
  EXPECT_EQ(verb.target.kind, TargetKind::name);
  EXPECT_EQ(verb.target.value, "before");
  EXPECT_EQ(verb.work_directory, "/w");
  EXPECT_EQ(verb.run_as, "lifeboat");
}

TEST(ExtractOptions, TakeRowsOrASchemaInPlaceOfWhatIsThere) {
  const auto rows = verb_of({"--table", "a.b", "--where", "id > 3", "--into", "dbname=x", "--replace"});
  EXPECT_EQ(rows.order.placement, extract::Placement::replace);
  EXPECT_EQ(rows.order.selection.where, "id > 3");
  EXPECT_EQ(verb_of({"--schema", "shop", "--into", "dbname=x", "--replace"}).order.selection.schema, "shop");
}

TEST(ExtractOptions, ReadASchemasNameAsSqlDoes) {
  const auto schema = [](const std::string& text) {
    return verb_of({"--schema", text, "--into", "dbname=x", "--replace"}).order.selection.schema;
  };
  EXPECT_EQ(schema("Shop_2$"), "shop_2$");
  EXPECT_EQ(schema(" shop "), "shop");
  EXPECT_EQ(schema("\"Shop\""), "Shop");
  EXPECT_EQ(schema("\"my \"\"shop\"\"\""), "my \"shop\"");
  EXPECT_EQ(schema("B\u00c5T"), "b\u00c5t");
  for (const auto* const none :
       {"shop.orders", "my shop", "\"\"", "\"", "\"shop", "shop\"", "\"a\"b\"", "2shop", " ", "a;"}) {
    EXPECT_THAT(refusal({"--schema", none, "--into", "dbname=x", "--replace"}), HasSubstr("no schema's name")) << none;
  }
}

TEST(ExtractOptions, RefuseWhatDoesNotSayWhereItIsToGo) {
  EXPECT_THAT(refusal({"--table", "a.b", "--into", "dbname=x"}), HasSubstr("where what is taken is to go"));
  EXPECT_THAT(refusal({"--table", "a.b", "--into", "dbname=x", "--replace", "--beside", "old"}), HasSubstr("--beside"));
  EXPECT_THAT(refusal({"--table", "a.b", "--replace"}), HasSubstr("--into"));
}

TEST(ExtractOptions, RefuseASelectionThatContradictsItself) {
  for (const auto* const blank : {"", " \n"}) {  // a script's variable that was never set
    EXPECT_THAT(refusal({"--table", "a.b", "--where", blank, "--into", "dbname=x", "--replace"}),
                HasSubstr("the condition is empty"));
  }
  EXPECT_THAT(refusal({"--into", "dbname=x", "--replace"}), HasSubstr("nothing is named"));
  EXPECT_THAT(refusal({"--table", "a.b", "--schema", "a", "--into", "dbname=x", "--replace"}),
              HasSubstr("tables and a schema"));
  EXPECT_THAT(refusal({"--table", "a.b", "--table", "a.c", "--where", "true", "--into", "dbname=x", "--replace"}),
              HasSubstr("exactly one table"));
  EXPECT_THAT(refusal({"--schema", "a", "--where", "true", "--into", "dbname=x", "--replace"}),
              HasSubstr("exactly one table"));
}

TEST(ExtractOptions, RefuseAPasswordAndTwoTargets) {
  EXPECT_THAT(refusal({"--table", "a.b", "--into", "dbname=x password=secret", "--replace"}), HasSubstr("password"));
  EXPECT_THAT(refusal({"--table", "a.b", "--into", "dbname=x", "--replace", "--target-immediate", "--target-xid", "9"}),
              HasSubstr("two recovery targets"));
}

}  // namespace
}  // namespace harness::cli

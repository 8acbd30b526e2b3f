// --schema: all of a schema, beside it or in its place.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "tests/pg/extract/two_databases.hpp"
#include "tests/support/failure.hpp"

namespace harness::extract {
namespace {

using backup_engine::base::ErrorKind;
using testing::Contains;
using testing::HasSubstr;

class Schema : public TwoDatabases {
 protected:
  Order schema(Placement placement, const std::string& name) {
    auto made = order(placement, {});
    made.selection.schema = name;
    return made;
  }
};

TEST_F(Schema, ComesBackInPlaceWithWhatStandsOnIt) {
  live(
      "SET session_replication_role = replica; DELETE FROM inventory.stock; DROP FUNCTION inventory.book_movement() "
      "CASCADE; DROP TABLE inventory.movements CASCADE");
  const auto result = extracted(schema(Placement::replace, "inventory"));
  EXPECT_THAT(result.objects, Contains("schema inventory"));
  expect_alike("live", "source");
}

TEST_F(Schema, ComesBackAfterItWasDropped) {
  live("DROP SCHEMA inventory CASCADE");
  const auto result = extracted(schema(Placement::replace, "inventory"));
  EXPECT_THAT(result.objects, Contains("inventory.movements"));
  expect_alike("live", "source");
}

TEST_F(Schema, IsPutBesideUnderANameOfItsOwn) {
  make_scratch();
  const auto before = definitions("live");
  const auto result = extracted(schema(Placement::beside, "inventory"));
  EXPECT_THAT(result.objects, Contains("schema inventory_restored"));
  const auto beside = content("live");
  for (const auto& [table, digest] : content("source")) {
    EXPECT_EQ(beside.at(table), digest) << table;
    if (table.starts_with("inventory.")) {
      EXPECT_EQ(beside.at("inventory_restored." + table.substr(10)), digest) << table;
    }
  }
  live("DROP SCHEMA inventory_restored CASCADE");
  EXPECT_EQ(definitions("live"), before);
}

TEST_F(Schema, IsRefusedWhileAColumnElsewhereIsOfATypeInIt) {
  std::string message;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)extract(schema(Placement::replace, "shop"), progress_); }, &message),
            ErrorKind::usage);
  EXPECT_THAT(message, HasSubstr("column old_status of table audit.order_events"));
  expect_alike("live", "source");
}

TEST_F(Schema, ThatWasNotThereAtTheTargetIsNamed) {
  std::string message;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)extract(schema(Placement::replace, "harbour"), progress_); }, &message),
            ErrorKind::not_found);
  EXPECT_THAT(message, HasSubstr("harbour"));
}

}  // namespace
}  // namespace harness::extract

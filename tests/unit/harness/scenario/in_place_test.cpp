// Restores in place, and their roll-back: what a scenario may say, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/harness/scenario/refused_scenario.hpp"

namespace harness::scenario {
namespace {

class InPlaceRefusal : public testing::TestWithParam<Refused> {};

TEST_P(InPlaceRefusal, SaysWhereWhatAndWhatToDo) {
  expect_refused(GetParam(), struck_scenario);
}

constexpr auto restore = "{ kind: pitr, target: { mark: here } }";

TEST(ParseScenario, AcceptsARestoreInPlaceAndItsRollBack) {
  for (const auto* const keys : {"in_place: true", "in_place: false", "in_place: true, roll_back: true"}) {
    auto text = std::string(struck_scenario);
    const std::string wanted = std::string("{ kind: pitr, target: { mark: here }, ") + keys + " }";
    text.replace(text.find(restore), std::string(restore).size(), wanted);
    EXPECT_EQ(refusal_of(text), "accepted") << keys;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Restores, InPlaceRefusal,
    testing::Values(
        Refused{"NoTruth", restore, "{ kind: pitr, target: { mark: here }, in_place: maybe }", "13:58: ", "true"},
        Refused{"RollBackOfANewServer", restore, "{ kind: pitr, target: { mark: here }, roll_back: true }",
                "13:59: only a restore in place can be rolled back", "in_place: true"},
        Refused{"PartInPlace", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders], in_place: true }",
                "13:84: a restore in place goes with \"kind: pitr\"", "remove \"in_place\""},
        Refused{
            "NothingLeftToSetAside",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: lose_server\nrestore: { kind: pitr, target: { mark: here }, in_place: true }",
            "12:58: the disaster lose_server leaves no whole cluster", "another disaster"},
        Refused{
            "ToTheEndOfWal",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: lose_server\nrestore: { kind: pitr, target: end_of_wal, in_place: true }",
            "12:54: a restore in place goes with", "before the disaster"}),
    title_of);

}  // namespace
}  // namespace harness::scenario

#include "backup_engine/backup/required_places.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* version = "PG_15_202209061";

// Asks come one after the other; the last answer stays.
class Answers {
 public:
  explicit Answers(std::vector<ServerInventory> answers) : answers_(std::move(answers)) {}
  ServerInventory operator()() { return answers_[std::min(next_++, answers_.size() - 1)]; }

 private:
  std::vector<ServerInventory> answers_;
  std::size_t next_ = 0;
};

RequiredPlaces required(std::vector<ServerInventory> answers) {
  return {Answers(std::move(answers)), [](std::uint32_t oid) { return "/spaces/" + std::to_string(oid); }};
}

// Empty: it was content.
std::string refusal(const RequiredPlaces& places, const std::set<std::string>& seen) {
  try {
    places.require(seen, version, {}, {.changing = std::chrono::milliseconds(1), .replayed = {}});
    return "";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::io);
    return error.what();
  }
}

const ServerInventory whole = {{16388}, {{1, 1663}, {16400, 16388}}};
const std::set<std::string> all_seen = {"base/1/PG_VERSION", "pg_tblspc/16388/PG_15_202209061",
                                        "pg_tblspc/16388/PG_15_202209061/16400/PG_VERSION"};

}  // namespace

TEST(RequiredPlaces, AreContentWithAllThatTheServerHas) {
  EXPECT_EQ(refusal(required({whole}), all_seen), "");
}

TEST(RequiredPlaces, NameATablespaceThatWasNotSeen) {
  EXPECT_THAT(refusal(required({whole}), {"base/1/PG_VERSION"}),
              AllOf(HasSubstr("tablespace with OID 16388"), HasSubstr("pg_tblspc/16388/PG_15_202209061"),
                    HasSubstr("/spaces/16388")));
}

TEST(RequiredPlaces, NameADatabaseThatWasNotSeen) {
  EXPECT_THAT(
      refusal(required({whole}), {"base/1/PG_VERSION", "pg_tblspc/16388/PG_15_202209061"}),
      AllOf(HasSubstr("database with OID 16400"), HasSubstr("pg_tblspc/16388/PG_15_202209061/16400/PG_VERSION")));
  EXPECT_THAT(refusal(required({{{}, {{5, 1663}}}}), {}), HasSubstr("base/5/PG_VERSION"));
}

TEST(RequiredPlaces, LetGoWhatWasDroppedMeanwhile) {
  const ServerInventory dropped = {{}, {{1, 1663}}};
  EXPECT_EQ(refusal(required({whole, dropped}), {"base/1/PG_VERSION"}), "");
}

ServerInventory whole_while(Catalogs state) {
  auto inventory = whole;
  inventory.catalogs = state;
  return inventory;
}

TEST(RequiredPlaces, WaitForADropThatStillGoesOn) {
  const ServerInventory dropped = {{}, {{1, 1663}}};
  for (const auto state : {Catalogs::changing, Catalogs::replayed}) {
    const auto going = whole_while(state);
    const auto places = required({whole, going, going, going, dropped});
    EXPECT_NO_THROW(places.require({"base/1/PG_VERSION"}, version, {}));
  }
}

TEST(RequiredPlaces, SeeACommitThatCameBetweenTheLockAndTheCatalogs) {
  ServerInventory dropped = {{}, {{1, 1663}}};
  dropped.catalogs = Catalogs::changing;
  EXPECT_NO_THROW(required({whole, dropped}).require({"base/1/PG_VERSION"}, version, {}));
}

TEST(RequiredPlaces, RefuseAtOnceWhereNobodyIsDroppingAnything) {
  const auto going = whole_while(Catalogs::changing);
  const auto places = required({whole, going, whole, {{}, {{1, 1663}}}});
  EXPECT_THROW(places.require({"base/1/PG_VERSION"}, version, {}), base::Error);
}

TEST(RequiredPlaces, RefuseWhenAChangeOrAReplayLastsTooLong) {
  for (const auto state : {Catalogs::changing, Catalogs::replayed}) {
    EXPECT_THAT(refusal(required({whole_while(state)}), {"base/1/PG_VERSION"}), HasSubstr("tablespace with OID 16388"));
  }
}

TEST(RequiredPlaces, LetGoADatabaseThatMovedMeanwhile) {
  const ServerInventory moved = {{16388}, {{1, 1663}, {16400, 1663}}};
  EXPECT_EQ(refusal(required({whole, moved}), {"base/1/PG_VERSION", "pg_tblspc/16388/PG_15_202209061"}), "");
}

TEST(RequiredPlaces, DoNotAskForWhatCameLater) {
  EXPECT_EQ(refusal(required({{{}, {{1, 1663}}}, whole}), {"base/1/PG_VERSION"}), "");
}

TEST(ShowsPlace, KnowsVersionDirectoriesAndVersionFiles) {
  EXPECT_TRUE(shows_place("pg_tblspc/16388/PG_15_202209061"));
  EXPECT_TRUE(shows_place("pg_tblspc/16388/PG_15_202209061/5/PG_VERSION"));
  EXPECT_TRUE(shows_place("base/1/PG_VERSION"));
  EXPECT_FALSE(shows_place("pg_tblspc/16388"));
  EXPECT_FALSE(shows_place("pg_tblspc/16388/PG_15_202209061/5"));
  EXPECT_FALSE(shows_place("PG_VERSION"));
}

}  // namespace backup_engine::backup

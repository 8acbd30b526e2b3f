#include "backup_engine/restore/target_value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::restore {
namespace {

using base::Error;
using base::ErrorKind;
using testing::HasSubstr;

std::string utc(std::string_view text) {
  return postgres_time(parse_target_time(text));
}

std::string refusal(const RecoveryTarget& target) {
  try {
    require_sound(target);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_FALSE(error.remedy().empty());
    return describe(error);
  }
  ADD_FAILURE() << "was accepted: " << target.value;
  return "";
}
std::string refused_time(const std::string& text) {
  return refusal({.kind = TargetKind::time, .value = text, .timeline = ""});
}
RecoveryTarget spelled(TargetKind kind, const std::string& value, const std::string& timeline = "") {
  return spelled_for_postgres({.kind = kind, .value = value, .timeline = timeline});
}

TEST(ParseTargetTime, TakesEveryIsoSpellingWithAZone) {
  for (const auto* const same :
       {"2026-11-20 02:15:00.25+00", "2026-11-20T02:15:00.25Z", "2026-11-20 02:15:00.250000 UTC",
        "2026-11-20 03:15:00.25+01", "2026-11-20 03:15:00.25 +01:00", "2026-11-20T07:45:00.25+0530",
        "2026-11-19 21:15:00.25-05", "2026-11-20t02:15:00.25z", "2026-11-20 02:15:00.2500001 GMT"}) {
    EXPECT_EQ(utc(same), "2026-11-20 02:15:00.250000+00") << same;
  }
  EXPECT_EQ(utc("2026-11-20 02:15Z"), "2026-11-20 02:15:00.000000+00");
  EXPECT_EQ(utc("2026-01-01 00:30:00+01"), "2025-12-31 23:30:00.000000+00");
  EXPECT_EQ(utc("2024-02-29 23:59:60Z"), "2024-03-01 00:00:00.000000+00") << "as PostgreSQL reads a leap second";
  EXPECT_EQ(utc("2026-11-20 02:15:00.9999999Z"), "2026-11-20 02:15:01.000000+00");
}

TEST(ParseTargetTime, WantsAZoneAndSaysHow) {
  const auto text = refused_time("2026-11-20 02:15:00");
  EXPECT_THAT(text, HasSubstr("no zone"));
  EXPECT_THAT(text, HasSubstr("2026-11-20 02:15:00Z for UTC"));
  EXPECT_THAT(refused_time("2026-11-20 02:15:00 Europe/Berlin"), HasSubstr("offset"));
  EXPECT_THAT(refused_time("2026-11-20 02:15:00 CET"), HasSubstr("offset"));
  EXPECT_THAT(refused_time("2026-11-20 02:15:00+01:00 or so"), HasSubstr("offset"));
}

TEST(ParseTargetTime, RefusesWhatIsNoTime) {
  for (const auto* const wrong : {"yesterday", "now", "2026-11-20", "20261120T021500Z", "2026-13-01 00:00Z",
                                  "2026-02-29 00:00Z", "2026-11-20 24:15Z", "2026-11-20 02:60Z", "2026-11-20 02:15:61Z",
                                  "2026-11-20 02:15:00.Z", "26-11-20 02:15Z", "2026-11-20 2:15Z", " ", "12:00Z"}) {
    EXPECT_THAT(refused_time(wrong), HasSubstr("no time")) << wrong;
  }
}

TEST(SpelledForPostgres, LeavesNoRoomForAnotherReading) {
  EXPECT_EQ(spelled(TargetKind::time, "2026-11-20 02:15:00-05:30").value, "2026-11-20 07:45:00.000000+00");
  EXPECT_EQ(spelled(TargetKind::xid, "0755").value, "755") << "PostgreSQL would read an octal number";
  EXPECT_EQ(spelled(TargetKind::xid, "4294968051").value, "4294968051") << "with its epoch";
  EXPECT_EQ(spelled(TargetKind::lsn, "16/b374d848").value, "16/B374D848");
  EXPECT_EQ(spelled(TargetKind::name, "it's here").value, "it's here");
  EXPECT_EQ(spelled(TargetKind::lsn, "0/1000028", "007").timeline, "7");
  EXPECT_EQ(spelled(TargetKind::end_of_wal, "").timeline, "latest");
  EXPECT_EQ(spelled(TargetKind::immediate, "").timeline, "current");
}

TEST(ParseTargetXid, ComparesTheLowBitsAsPostgresqlDoes) {
  EXPECT_EQ(parse_target_xid("755"), 755U);
  EXPECT_EQ(parse_target_xid("4294968051"), 755U);
}

TEST(RequireSound, RefusesATargetThatCannotBe) {
  EXPECT_THAT(refusal({.kind = TargetKind::name, .value = "", .timeline = ""}), HasSubstr("no value"));
  EXPECT_THAT(refusal({.kind = TargetKind::name, .value = std::string(64, 'x'), .timeline = ""}), HasSubstr("63"));
  EXPECT_THAT(refusal({.kind = TargetKind::lsn, .value = "yesterday", .timeline = ""}), HasSubstr("16/B374D848"));
  for (const auto* const wrong : {"12x", "-5", "2", "4294967296", "0x2F4", "99999999999999999999"}) {
    refusal({.kind = TargetKind::xid, .value = wrong, .timeline = ""});
  }
  for (const auto* const wrong : {"newest", "0", "4294967296", "0A"}) {
    EXPECT_THAT(refusal({.kind = TargetKind::immediate, .value = "", .timeline = wrong}), HasSubstr("timeline"));
  }
  EXPECT_NO_THROW(require_sound({.kind = TargetKind::lsn, .value = "16/B374D848", .timeline = "12"}));
  EXPECT_NO_THROW(require_sound({}));
}

}  // namespace
}  // namespace backup_engine::restore

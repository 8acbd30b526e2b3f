#include "backup_engine/backup/session.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {
namespace {

constexpr const char* label =
    "START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\n"
    "CHECKPOINT LOCATION: 0/3000060\n"
    "BACKUP METHOD: streamed\n"
    "BACKUP FROM: primary\n"
    "START TIME: 2026-11-20 02:15:00 UTC\n"
    "LABEL: lifeboat 20261120T021500Z-full\n"
    "START TIMELINE: 12\n";

TEST(ParseLabelStart, ReadsLocationAndTimeline) {
  const auto start = parse_label_start(label);
  EXPECT_EQ(to_string(start.lsn), "0/3000028");
  EXPECT_EQ(start.timeline, postgres::TimelineId(12));
}

TEST(ParseLabelStart, RefusesALabelThatDoesNotSay) {
  for (const auto* const bad :
       {"", "START WAL LOCATION: 0/3000028 (file x)\n", "START WAL LOCATION: x\nSTART TIMELINE: 1\n",
        "START WAL LOCATION: 0/1 (\nSTART TIMELINE: one\n"}) {
    EXPECT_THROW(static_cast<void>(parse_label_start(bad)), base::Error) << bad;
  }
}

}  // namespace
}  // namespace backup_engine::backup

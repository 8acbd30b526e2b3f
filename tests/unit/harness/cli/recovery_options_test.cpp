// How recovery targets are given to a verb, shown with `restore`.
#include "harness/cli/recovery_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "harness/cli/command_line.hpp"

namespace harness::cli {
namespace {

using backup_engine::RestoreRequest;
using backup_engine::TargetAction;
using backup_engine::TargetKind;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

RestoreRequest request_of(std::vector<std::string> options) {
  options.insert(options.begin(), {"restore", "--repo", "/r", "--cluster", "c", "--to", "/t"});
  return std::get<RestoreVerb>(parse_command_line(options)).request;
}

std::string refusal(const std::vector<std::string>& options) {
  try {
    static_cast<void>(request_of(options));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_FALSE(error.remedy().empty());
    return describe(error);
  }
  ADD_FAILURE() << "was accepted";
  return "";
}

TEST(RecoveryOptions, AreTheEndOfWalUnlessToldOtherwise) {
  const auto request = request_of({});
  EXPECT_EQ(request.target.kind, TargetKind::end_of_wal);
  EXPECT_TRUE(request.target.inclusive);
  EXPECT_EQ(request.target.action, TargetAction::promote);
  EXPECT_EQ(request.backup_label, "");
}

TEST(RecoveryOptions, MakeEachKindOfTarget) {
  const std::pair<std::vector<std::string>, TargetKind> kinds[] = {
      {{"--target-time", "2026-11-20 02:15:00+01"}, TargetKind::time},
      {{"--target-lsn", "16/B374D848"}, TargetKind::lsn},
      {{"--target-xid", "755"}, TargetKind::xid},
      {{"--target-name", "before it"}, TargetKind::name}};
  for (const auto& [options, kind] : kinds) {
    const auto request = request_of(options);
    EXPECT_EQ(request.target.kind, kind);
    EXPECT_EQ(request.target.value, options[1]);
  }
  EXPECT_EQ(request_of({"--target-immediate"}).target.kind, TargetKind::immediate);
}

TEST(RecoveryOptions, SayWhichSideOfTheTargetWhichTimelineAndWhatThen) {
  const auto request = request_of({"--target-lsn", "0/3000028", "--target-exclusive", "--target-timeline", "3",
                                   "--target-action", "pause", "--backup", "20261120T021500Z-full"});
  EXPECT_FALSE(request.target.inclusive);
  EXPECT_EQ(request.target.timeline, "3");
  EXPECT_EQ(request.target.action, TargetAction::pause);
  EXPECT_EQ(request.backup_label, "20261120T021500Z-full");
  EXPECT_EQ(request_of({"--target-action", "shutdown"}).target.action, TargetAction::shutdown);
}

TEST(RecoveryOptions, RefuseTwoTargetsAndNameBoth) {
  EXPECT_THAT(refusal({"--target-immediate", "--target-name", "a"}),
              AllOf(HasSubstr("two recovery targets"), HasSubstr("--target-name"), HasSubstr("--target-immediate")));
  EXPECT_THAT(refusal({"--target-time", "2026-11-20 02:15Z", "--target-xid", "755"}),
              AllOf(HasSubstr("--target-time"), HasSubstr("--target-xid")));
}

TEST(RecoveryOptions, RefuseExclusiveWhereItMeansNothing) {
  EXPECT_THAT(refusal({"--target-exclusive"}), HasSubstr("no target"));
  EXPECT_THAT(refusal({"--target-exclusive", "--target-immediate"}), HasSubstr("--target-immediate"));
  EXPECT_THAT(refusal({"--target-exclusive", "--target-name", "a"}), HasSubstr("--target-name"));
}

TEST(RecoveryOptions, RefuseValuesThatAreNone) {
  EXPECT_THAT(refusal({"--target-time", "2026-11-20 02:15"}), HasSubstr("zone"));
  EXPECT_THAT(refusal({"--target-lsn", "12"}), HasSubstr("WAL position"));
  EXPECT_THAT(refusal({"--target-xid", "last"}), HasSubstr("transaction id"));
  EXPECT_THAT(refusal({"--target-name", ""}), HasSubstr("its value is empty"));
  EXPECT_THAT(refusal({"--target-timeline", "newest"}), HasSubstr("timeline"));
  EXPECT_THAT(refusal({"--target-action", "stop"}), HasSubstr("--target-action"));
}

}  // namespace
}  // namespace harness::cli

// The words by which the engine says why it refuses a restore are those that a scenario can expect.
#include <gtest/gtest.h>

#include <set>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "harness/scenario/language.hpp"

namespace harness::restore {
namespace {

using Words = std::set<std::string_view>;
using namespace backup_engine::base;

TEST(RefusalWords, AreTheEnginesOwn) {
  EXPECT_EQ(Words(scenario::refusal_words.begin(), scenario::refusal_words.end()),
            Words(backup_engine::refusal::all.begin(), backup_engine::refusal::all.end()));
}

TEST(Refusal, KeepsItsReasonThroughACatchOfErrors) {
  try {
    throw Refusal("wal_gap", Error(ErrorKind::corrupt, "a gap").with_remedy("look"));
  } catch (const Error& error) {
    EXPECT_EQ(reason_of(error), "wal_gap");
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_STREQ(error.what(), "a gap");
    EXPECT_EQ(error.remedy(), "look");
  }
  EXPECT_EQ(reason_of(Error(ErrorKind::corrupt, "a gap")), "");
}

}  // namespace
}  // namespace harness::restore

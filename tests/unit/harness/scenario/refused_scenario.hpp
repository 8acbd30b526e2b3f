// Scenarios that differ from a sound one in one part, for which they are refused.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {

struct Refused {
  const char* title;  // the behaviour's name
  const char* part;   // of the sound scenario
  const char* replacement;
  const char* starts;  // LINE:COLUMN: and the message's beginning
  const char* remedy_has;
};

inline std::string title_of(const testing::TestParamInfo<Refused>& info) {
  return info.param.title;
}

inline void expect_refused(const Refused& refused, std::string_view sound) {
  EXPECT_THAT(refusal_of(with(refused.part, refused.replacement, sound)),
              testing::AllOf(testing::StartsWith(refused.starts), testing::HasSubstr(std::string(" | ")),
                             testing::HasSubstr(refused.remedy_has)));
}

}  // namespace harness::scenario

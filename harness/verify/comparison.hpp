// What was there then against what is there now: content, definitions, sequences. Pure; the checks that use these
// differ in what "then" is.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "reports/record/check.hpp"
#include "reports/record/mark.hpp"

namespace harness::verify {

// `then` as a finding's words name it: "the mark", "before the restore". Each difference becomes a finding of `check`
// that names the table, and where it has an integer key the range of keys.
void compare_content(const reports::record::ContentDigests& expected, const reports::record::ContentDigests& actual,
                     std::string_view then, reports::record::Check& check);

void compare_objects(const std::map<std::string, std::string>& expected,
                     const std::map<std::string, std::string>& actual, std::string_view then,
                     reports::record::Check& check);

enum class Positions {
  not_behind,  // a sequence may have given out more: a crash loses up to 32 values of its cache
  equal,
};
void compare_sequences(const reports::record::ContentDigests& expected, const reports::record::ContentDigests& actual,
                       Positions positions, std::string_view then, reports::record::Check& check);

}  // namespace harness::verify

// A person's SQL condition (--where), held to be one expression: what closes a parenthesis that it did not open would
// mean something else in each statement that it is written into.
#pragma once

#include <array>
#include <string>

namespace harness::extract {

// Statements that fail with a syntax error when it is none; nothing is executed. `from`: "FROM …". Each is to be sent
// alone, with one text as $1. One has the condition between parentheses, the other between brackets: since PostgreSQL
// reads both texts into the same words, and no words close both, a text that passes keeps its quotes, comments and
// brackets to itself. Only the first says whether it is boolean, and whether its columns exist.
[[nodiscard]] std::array<std::string, 2> condition_checks(const std::string& from, const std::string& condition);

}  // namespace harness::extract

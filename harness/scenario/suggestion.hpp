// What a person probably meant by a word that is not known, for the remedy of an error.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace harness::scenario {

// The known word nearest to `word` by edit distance (insert, delete, replace, swap of neighbours), upper and lower case
// and - and _ taken as equal; empty when none is near: more than a third of the word's letters would have to change.
[[nodiscard]] std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

// `did you mean "x"? Allowed here: a, b, c.`, the question only when a word is near.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string_view> known);

}  // namespace harness::scenario

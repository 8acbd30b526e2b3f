// An error by which somebody refuses what was asked, with the reason as a word: who expects a refusal can tell this
// one from any other without reading its message. Which words there are, whoever refuses says.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

// throw Refusal(WORD, Error(KIND, "…").with_remedy("…")): the setters of Error return an Error, which would lose it.
class Refusal : public Error {
 public:
  Refusal(std::string_view reason, Error error) : Error(std::move(error)), reason_(reason) {}
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

// Empty when the error is no refusal. Of the thrown error itself, caught by reference: a copy has no reason any more.
[[nodiscard]] inline std::string reason_of(const Error& error) {
  const auto* const refusal = dynamic_cast<const Refusal*>(&error);
  return refusal == nullptr ? std::string() : refusal->reason();
}

}  // namespace backup_engine::base

// A finding as a partial restore makes it: an object, what is to be known of it, and a row's key where there is one.
#pragma once

#include <string>
#include <utility>

#include "reports/record/check.hpp"

namespace harness::extract {

[[nodiscard]] inline reports::record::Finding finding(std::string object, std::string text, std::string key = {}) {
  reports::record::Finding made;
  made.object = std::move(object);
  made.text = std::move(text);
  made.key = std::move(key);
  return made;
}

}  // namespace harness::extract

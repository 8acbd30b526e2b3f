// A strict reader of XML (and of HTML that is written like it): throws std::runtime_error unless every tag is closed in
// order, every attribute is quoted and single, every & begins a known entity, no control character and nothing but
// UTF-8 is in it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reports::render {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<Element> children;
  std::string text;  // of this element itself, entities resolved

  // All elements of this name below this one, in the order of the document.
  [[nodiscard]] std::vector<const Element*> all(std::string_view wanted) const;
  [[nodiscard]] std::string whole_text() const;
};

// void_elements need no end tag: "meta" in HTML. What stands in a raw element ("style") is not looked at.
[[nodiscard]] Element read_markup(std::string_view text, const std::vector<std::string>& void_elements = {},
                                  const std::vector<std::string>& raw_elements = {});

}  // namespace reports::render

#include "tests/unit/reports/render/markup.hpp"

#include <algorithm>
#include <stdexcept>

#include "reports/render/text.hpp"

namespace reports::render {

std::vector<const Element*> Element::all(std::string_view wanted) const {
  std::vector<const Element*> found;
  for (const auto& child : children) {
    if (child.name == wanted) found.push_back(&child);
    const auto below = child.all(wanted);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

std::string Element::whole_text() const {
  auto all_text = text;
  for (const auto& child : children) all_text += " " + child.whole_text();
  return all_text;
}

namespace {

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Reader {
 public:
  Reader(std::string_view text, const std::vector<std::string>& voids, const std::vector<std::string>& raws)
      : text_(text), voids_(voids), raws_(raws) {
    if (printable(text) != text) fail("holds bytes that printable() would have replaced");
  }

  Element document() {
    while (text_.substr(at_, 2) == "<?" || text_.substr(at_, 2) == "<!") {
      take_until(">");
      skip_space();
    }
    auto root = element();
    skip_space();
    if (at_ != text_.size()) fail("goes on after its root element");
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " at byte " + std::to_string(at_) + ": " +
                             std::string(text_.substr(at_ < 40 ? 0 : at_ - 40, 80)));
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  std::string_view take_until(std::string_view mark) {
    const auto end = text_.find(mark, at_);
    if (end == std::string_view::npos) fail("ends before " + std::string(mark));
    const auto taken = text_.substr(at_, end - at_);
    at_ = end + mark.size();
    return taken;
  }

  void expect(char c) {
    if (at_ >= text_.size() || text_[at_] != c) fail(std::string("expected ") + c);
    ++at_;
  }

  std::string name() {
    const auto begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-'))
      ++at_;
    if (begin == at_) fail("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string resolved(std::string_view raw) const {
    constexpr std::pair<std::string_view, char> entities[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                                                              {"&quot;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}};
    std::string out;
    while (!raw.empty()) {
      if (raw[0] == '<') fail("holds a < that is not escaped");
      if (raw[0] != '&') {
        out += raw[0];
        raw.remove_prefix(1);
        continue;
      }
      const auto* const found = std::find_if(std::begin(entities), std::end(entities),
                                             [&](const auto& entity) { return raw.starts_with(entity.first); });
      if (found == std::end(entities)) fail("holds an unknown entity");
      out += found->second;
      raw.remove_prefix(found->first.size());
    }
    return out;
  }

  void attribute(Element& element) {
    const auto key = name();
    const bool bare = at_ < text_.size() && text_[at_] != '=';
    std::string content;
    if (!bare) {
      expect('=');
      expect('"');
      content = resolved(take_until("\""));
    }
    if (!element.attributes.emplace(key, content).second) fail("attribute " + key + " twice");
  }

  Element element() {
    expect('<');
    Element result;
    result.name = name();
    for (skip_space(); text_[at_] != '>' && text_[at_] != '/'; skip_space()) attribute(result);
    if (text_[at_] == '/') {
      ++at_;
      expect('>');
      return result;
    }
    expect('>');
    if (contains(voids_, result.name)) return result;
    if (contains(raws_, result.name)) {
      result.text = take_until("</" + result.name + ">");
      return result;
    }
    content(result);
    return result;
  }

  void content(Element& result) {
    for (;;) {
      const auto next = text_.find('<', at_);
      if (next == std::string_view::npos) fail("ends inside " + result.name);
      result.text += resolved(text_.substr(at_, next - at_));
      at_ = next;
      if (text_.substr(at_, 2) != "</") {
        result.children.push_back(element());
        continue;
      }
      at_ += 2;
      if (name() != result.name) fail("closes something else than " + result.name);
      expect('>');
      return;
    }
  }

  std::string_view text_;
  const std::vector<std::string>& voids_;
  const std::vector<std::string>& raws_;
  std::size_t at_ = 0;
};

}  // namespace

Element read_markup(std::string_view text, const std::vector<std::string>& void_elements,
                    const std::vector<std::string>& raw_elements) {
  return Reader(text, void_elements, raw_elements).document();
}

}  // namespace reports::render

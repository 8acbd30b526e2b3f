#include "reports/render/markdown_text.hpp"

#include "reports/render/text.hpp"

namespace reports::render {

namespace {

constexpr std::size_t longest_text = 500;
constexpr std::string_view zero_width_space = "&#8203;";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A bullet, a numbered item, a rule or an underlined heading would begin with these: the place of what has to be
// escaped, or npos (CommonMark 0.31, sections 4.1, 4.3 and 5.2).
std::size_t block_marker(std::string_view line) {
  if (line.empty()) return std::string_view::npos;
  if (line[0] == '-' || line[0] == '+' || line[0] == '=') return 0;
  std::size_t at = 0;
  while (at < line.size() && is_digit(line[at])) ++at;
  const bool numbered = at > 0 && at < line.size() && (line[at] == '.' || line[at] == ')') &&
                        (at + 1 == line.size() || line[at + 1] == ' ');
  return numbered ? at : std::string_view::npos;
}

std::string escaped_at(std::string_view line, std::size_t at) {
  const char c = line[at], before = at > 0 ? line[at - 1] : ' ', after = at + 1 < line.size() ? line[at + 1] : ' ';
  std::string text(1, c);
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '$':
      return "<span>$</span>";  // GitHub's own way to keep a formula from beginning
    case '\\':
    case '`':
    case '*':
    case '[':
    case ']':
    case '|':
    case '~':
      return "\\" + text;
    case '_':  // within a word it means nothing
      return is_word(before) && is_word(after) ? text : "\\_";
    case '#':
      return "\\#" + std::string(is_word(after) ? zero_width_space : "");
    case '@':
      return text + std::string(zero_width_space);
    case ':':
      return text + std::string(after == '/' ? zero_width_space : "");
    case '.': {
      const bool behind_www =
          at >= 3 && (line[at - 1] | 0x20) == 'w' && (line[at - 2] | 0x20) == 'w' && (line[at - 3] | 0x20) == 'w';
      return behind_www ? std::string(zero_width_space) + text : text;
    }
    default:
      return text;
  }
}

}  // namespace

std::string markdown_escaped(std::string_view bytes) {
  auto line = printable_line(bytes);
  line.erase(0, line.find_first_not_of(' '));
  line.erase(line.find_last_not_of(' ') + 1);
  line = cut_to_width(line, longest_text, "…");
  const auto marker = block_marker(line);
  std::string escaped;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (at == marker) escaped += '\\';
    escaped += escaped_at(line, at);
  }
  return escaped;
}

}  // namespace reports::render

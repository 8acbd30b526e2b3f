// Private to reports/render: any bytes as one line of GitHub-flavoured Markdown that shows them and does nothing else.
#pragma once

#include <string>
#include <string_view>

namespace reports::render {

// printable_line(), cut after 500 columns, in which nothing is markup, ends a table's cell, begins a block, or becomes
// a link, a mention of somebody, a reference to an issue or a formula on GitHub or GitLab. (Both look for the last four
// in the finished page, where a backslash no longer counts: a zero-width space parts those.)
[[nodiscard]] std::string markdown_escaped(std::string_view bytes);

}  // namespace reports::render

// How text for a terminal may look. The caller decides: whether the output is a terminal, NO_COLOR, the locale.
#pragma once

namespace reports::render {

struct Style {
  bool colour = false;  // ANSI colours
  bool utf8 = false;    // box drawing and signs beyond ASCII
  unsigned columns = 100;
};

}  // namespace reports::render

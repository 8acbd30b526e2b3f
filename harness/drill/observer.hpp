// Who watches a drill: the terminal, or nobody. Calls come from the drill's own thread, progress from any.
#pragma once

#include <string_view>

#include "backup_engine/base/progress.hpp"

namespace harness::drill {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void step(std::string_view drill_id, std::string_view text) = 0;  // a step of the drill begins
  // Shows the bytes of long work in that drill. Lives as long as the observer.
  [[nodiscard]] virtual backup_engine::base::Progress& progress(std::string_view drill_id) = 0;
};

}  // namespace harness::drill

// What a person sees while a verb works: one live line on a terminal, plain lines elsewhere, JSON lines for programs.
// Everything goes to stderr, so that stdout holds results only. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "backup_engine/base/progress.hpp"
#include "harness/cli/command_line.hpp"
#include "harness/drill/observer.hpp"
#include "reports/render/style.hpp"

namespace harness::cli {

class Terminal final : public drill::Observer {
 public:
  explicit Terminal(ProgressMode mode);
  ~Terminal() override;

  void step(std::string_view drill_id, std::string_view text) override;
  [[nodiscard]] backup_engine::base::Progress& progress(std::string_view drill_id) override;
  void finish();  // takes the live line away

  // How results may look on stdout: colours on a terminal without NO_COLOR, box drawing in a UTF-8 locale.
  [[nodiscard]] static reports::render::Style result_style();

 private:
  class Line;
  enum class Shown { live, plain, json, nothing };
  void show(const std::string& text);       // a line that stays
  void show_live(const std::string& text);  // a line that is overwritten
  void clear_live();

  std::mutex mutex_;
  Shown shown_;
  reports::render::Style style_;
  bool live_line_ = false;
  std::map<std::string, std::unique_ptr<Line>, std::less<>> lines_;
};

}  // namespace harness::cli

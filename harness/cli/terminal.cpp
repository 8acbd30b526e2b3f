#include "harness/cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "reports/render/progress_line.hpp"

namespace harness::cli {

namespace {

using Clock = std::chrono::steady_clock;

bool locale_is_utf8() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    return text.find("UTF-8") != std::string_view::npos || text.find("utf8") != std::string_view::npos;
  }
  return false;
}

constexpr unsigned unbounded_columns = 1000;

// https://no-color.org: set to anything but nothing.
bool colour_allowed(int fd) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return ::isatty(fd) == 1 && !dumb && (no_color == nullptr || *no_color == '\0');
}

reports::render::Style style_for(int fd) {
  reports::render::Style style;
  style.colour = colour_allowed(fd);
  style.utf8 = locale_is_utf8();
  struct winsize size {};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) {
    style.columns = size.ws_col;
  } else if (::isatty(fd) == 0) {
    style.columns = unbounded_columns;  // a log or a pipe: names cut short could not be told apart
  }
  return style;
}

}  // namespace

// The progress of one drill or verb. advance() is called for every block by many threads: it mostly only adds.
class Terminal::Line final : public backup_engine::base::Progress {
 public:
  Line(Terminal& terminal, std::string label) : terminal_(terminal), label_(std::move(label)) {}

  void begin(std::string_view phase, std::uint64_t total_bytes) override {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    total_bytes_ = total_bytes;
    done_bytes_ = 0;
    started_ = Clock::now();
    next_show_ = milliseconds_since_start() + first_pause;
  }
  void advance(std::uint64_t bytes) override {
    done_bytes_ += bytes;
    const auto now = milliseconds_since_start();
    auto due = next_show_.load();
    if (now < due || !next_show_.compare_exchange_strong(due, now + pause())) return;
    const std::lock_guard lock(mutex_);
    show();
  }
  void end() override { next_show_ = never; }

 private:
  static constexpr std::int64_t first_pause = 200, never = std::int64_t{1} << 62U;

  // A terminal bears ten lines a second, a log one in five seconds.
  [[nodiscard]] std::int64_t pause() const { return terminal_.shown_ == Shown::plain ? 5000 : 100; }
  static std::int64_t milliseconds_since_start() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
  }
  void show() {
    const reports::render::ProgressState state{phase_, done_bytes_, total_bytes_,
                                               std::chrono::duration<double>(Clock::now() - started_).count()};
    const std::lock_guard lock(terminal_.mutex_);
    if (terminal_.shown_ == Shown::live) {
      terminal_.show_live(reports::render::progress_line(state, terminal_.style_));
    } else if (terminal_.shown_ == Shown::plain) {
      terminal_.show(fmt::format("{}: {}", label_, reports::render::plain_progress_line(state)));
    } else if (terminal_.shown_ == Shown::json) {
      const nlohmann::ordered_json line{{"label", label_},
                                        {"phase", state.phase},
                                        {"done_bytes", state.done_bytes},
                                        {"total_bytes", state.total_bytes},
                                        {"seconds", state.elapsed_seconds}};
      terminal_.show(line.dump());
    }
  }

  Terminal& terminal_;
  std::string label_;
  std::mutex mutex_;
  std::string phase_;
  std::atomic<std::uint64_t> done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
  Clock::time_point started_;
  std::atomic<std::int64_t> next_show_ = never;
};

Terminal::Terminal(ProgressMode mode) : shown_(Shown::nothing), style_(style_for(STDERR_FILENO)) {
  switch (mode) {
    case ProgressMode::automatic:
      shown_ = ::isatty(STDERR_FILENO) == 1 ? Shown::live : Shown::plain;
      break;
    case ProgressMode::plain:
      shown_ = Shown::plain;
      break;
    case ProgressMode::json:
      shown_ = Shown::json;
      break;
    case ProgressMode::none:
      break;
  }
}

Terminal::~Terminal() {
  clear_live();
}

reports::render::Style Terminal::result_style() {
  return style_for(STDOUT_FILENO);
}

void Terminal::step(std::string_view drill_id, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (shown_ == Shown::json) {
    show(nlohmann::ordered_json{{"drill_id", drill_id}, {"step", text}}.dump());
  } else if (shown_ != Shown::nothing) {
    show(fmt::format("{}  {}", drill_id, text));
  }
}

backup_engine::base::Progress& Terminal::progress(std::string_view drill_id) {
  const std::lock_guard lock(mutex_);
  auto& line = lines_[std::string(drill_id)];
  if (!line) line = std::make_unique<Line>(*this, std::string(drill_id));
  return *line;
}

void Terminal::finish() {
  const std::lock_guard lock(mutex_);
  clear_live();
}

void Terminal::show(const std::string& text) {
  clear_live();
  fmt::print(stderr, "{}\n", text);
}

void Terminal::show_live(const std::string& text) {
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  live_line_ = true;
}

void Terminal::clear_live() {
  if (!live_line_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  live_line_ = false;
}

}  // namespace harness::cli

#include "harness/drill/suite.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"
#include "reports/render/index_page.hpp"
#include "reports/render/junit.hpp"

namespace harness::drill {

namespace base = backup_engine::base;

SuiteResult run_suite(const std::vector<plan::Plan>& plans, const ToolIdentity& tool, Observer& observer,
                      const std::stop_token& stop) {
  std::vector<std::optional<reports::record::Report>> slots(plans.size());
  const auto at_a_time = plans.empty() ? 1 : plans.front().circumstances.concurrent_drills;
  std::exception_ptr failure;  // of a drill that could not even be recorded: told after the others have their pages
  std::mutex mutex;
  base::for_each_in_parallel(at_a_time, plans.size(), [&](std::size_t i) {
    if (stop.stop_requested()) return;
    try {
      slots[i] = run_drill(plans[i], tool, observer, stop);
    } catch (const std::exception&) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  const bool none_recorded =
      std::none_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.has_value(); });
  if (failure && none_recorded) std::rethrow_exception(failure);
  SuiteResult result;
  std::vector<reports::render::IndexEntry> entries;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!slots[i]) continue;
    result.reports.push_back(*slots[i]);
    entries.push_back({*slots[i], plans[i].drill_id + "/report.html"});
  }
  const auto out = std::filesystem::absolute(plans.front().circumstances.out).lexically_normal();
  std::filesystem::create_directories(out);
  result.index_page = out / "index.html";
  base::write_file_atomically(result.index_page, reports::render::index_html(entries));
  base::write_file_atomically(out / "junit.xml", reports::render::junit_suite(result.reports));
  if (failure) std::rethrow_exception(failure);
  return result;
}

}  // namespace harness::drill

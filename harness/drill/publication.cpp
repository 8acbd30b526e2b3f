#include "harness/drill/publication.hpp"

#include "backup_engine/base/file.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"

namespace harness::drill {

namespace base = backup_engine::base;

void publish(const reports::record::Report& report, const std::vector<reports::record::JournalEvent>& journal,
             const std::filesystem::path& directory) {
  base::write_file_atomically(directory / "report.json", reports::record::to_json(report));
  base::write_file_atomically(directory / "report.html", reports::render::html(report, journal));
  base::write_file_atomically(directory / "report.md", reports::render::markdown(report, journal));
  base::write_file_atomically(directory / "junit.xml", reports::render::junit(report));
}

}  // namespace harness::drill

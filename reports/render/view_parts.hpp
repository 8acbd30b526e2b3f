// Private to reports/render: the parts of a report's page that need arranging, as data for its template.
#pragma once

#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// phases, has_phases, milestones.
void set_recovery_time(PageData& page, const record::Report& report);
// loss, exact, exactness.
void set_loss(PageData& page, const record::Report& report);
// checks, has_checks, checks_passed, checks_total.
void set_checks(PageData& page, const record::Report& report, std::size_t shown_findings);
// backups, has_backups, disasters, restores, several_restores.
void set_course(PageData& page, const record::Report& report);
// facts: a list of name and value.
void set_facts(PageData& page, const record::Report& report);

}  // namespace reports::render

#include "harness/drill/prober.hpp"

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/closed_databases.hpp"
#include "harness/verify/constraint_probe.hpp"
#include "harness/verify/sql_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using scenario::CheckKind;

namespace {

// PostgreSQL's DETAIL may quote values, and reports travel.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

void Prober::probe(const std::string& name, const std::function<void()>& work) {
  if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
  context_.step("probe", "examine: " + name);
  const auto began = base::utc_now();
  std::string why;
  try {
    work();
  } catch (const std::exception& error) {
    // Its query may have been cancelled for just that: no reason why evidence is missing.
    if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    why = first_line(error.what());
    context_.journal.append("probe.failed", {{"probe", name}, {"why", why}});
  }
  const std::lock_guard lock(mutex_);
  if (!why.empty()) evidence_.missing[name] = why;
  evidence_.seconds[name] += std::chrono::duration<double>(base::utc_now() - began).count();
}

void Prober::pass_over(const std::string& name, const std::string& why) {
  const std::lock_guard lock(mutex_);
  evidence_.missing[name] = why;
}

bool wants(const Context& context, CheckKind kind) {
  const auto& checks = context.plan.scenario.verify;
  return std::any_of(checks.begin(), checks.end(), [kind](const auto& check) { return check.kind == kind; });
}

verify::ToolOptions tools(const Context& context, const server::Installation& installation) {
  verify::ToolOptions options;
  options.bin_directory = installation.bin_directory;
  options.run_as = context.workplace.user();
  options.stop = context.stop;
  options.limit = context.plan.recovery_limit;
  return options;
}

void probe_database(const Context& context, const server::Server& server, const verify::Cluster& cluster,
                    Prober& prober, record::Evidence& evidence) {
  prober.probe("databases", [&] {
    for (const auto& name : verify::closed_databases(cluster)) {
      prober.pass_over("database " + name, "it accepts no connections, so nothing in it was examined");
    }
  });
  if (wants(context, CheckKind::constraints)) {
    prober.probe("constraints", [&] { evidence.constraints = verify::probe_constraints(cluster); });
  }
  if (wants(context, CheckKind::sequences)) {
    prober.probe("sequences", [&] { evidence.sequences = verify::probe_sequences(cluster); });
  }
  if (wants(context, CheckKind::catalog) || wants(context, CheckKind::settings)) {
    prober.probe("catalog", [&] { evidence.catalog = verify::probe_catalog(cluster, server.options().settings); });
  }
  for (const auto& check : context.plan.scenario.verify) {
    if (check.kind != CheckKind::sql) continue;
    prober.probe("sql", [&] { evidence.sql.push_back(verify::probe_sql(cluster, check.sql_file)); });
  }
  if (wants(context, CheckKind::amcheck)) {
    prober.probe("amcheck", [&] {
      const std::vector<std::string> where{"--host", server.socket_directory().string(), "--username",
                                           server.options().superuser};
      evidence.amcheck = verify::run_amcheck(tools(context, server.options().installation), cluster, where);
    });
  }
}

}  // namespace harness::drill

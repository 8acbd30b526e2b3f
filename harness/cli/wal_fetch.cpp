#include "harness/cli/wal_fetch.hpp"

#include <cstdio>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/cli/damaged_repository.hpp"
#include "harness/cli/exit_code.hpp"
#include "harness/cli/repeating_failure.hpp"
#include "harness/cli/repository_options.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

constexpr unsigned prefetch_for_recovery = 8;

}  // namespace

void add_wal_fetch_options(CLI::App& verb, backup_engine::WalFetchRequest& request) {
  add_repository(verb, request.repository);
  auto* cluster = verb.add_option("--cluster", request.cluster, "the cluster's name in the repository");
  auto* prefetch = verb.add_option("--prefetch", request.prefetch,
                                   "how many further segments to fetch meanwhile (8 for a recovery, else 0)")
                       ->check(CLI::Range(0U, 64U));
  verb.add_option("--socket", request.socket, "of the Lifeboat that serves this WAL; instead of a repository")
      ->excludes(verb.get_option("--repo"), cluster, prefetch);
  verb.add_option("FILE", request.file_name, "%f")->required();
  verb.add_option("PATH", request.to, "%p")->required();
  verb.parse_complete_callback([cluster, prefetch, &request] {
    if (!request.socket.empty()) return;
    if (cluster->empty()) throw CLI::RequiredError("--cluster");
    // What PostgreSQL calls them while it recovers. By hand nothing but the one file is touched.
    const auto name = request.to.filename();
    if (prefetch->empty() && (name == "RECOVERYXLOG" || name == "RECOVERYHISTORY")) {
      request.prefetch = prefetch_for_recovery;
    }
  });
}

int fetch_for_postgresql(const backup_engine::WalFetchRequest& request) noexcept {
  const auto started_at = base::utc_now();
  try {
    switch (backup_engine::fetch_wal(request)) {
      case backup_engine::WalFetchOutcome::fetched:
        return 0;
      case backup_engine::WalFetchOutcome::not_there:
        return wal_fetch_not_there;
    }
  } catch (const base::Error& error) {
    // Of the repository behind a socket nothing is known here.
    const bool served = !request.socket.empty();
    std::fprintf(stderr, "%s\n", base::describe(served ? error : with_way_on(error, request.repository)).c_str());
    if (served) return wal_fetch_failed;
    record_if_possible(request.repository, {request.cluster, "wal fetch", started_at, wal_fetch_failed, error.what()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lifeboat: %s\n", error.what());
  }
  return wal_fetch_failed;
}

}  // namespace harness::cli

#include "harness/cli/wal_push.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/cli/damaged_repository.hpp"
#include "harness/cli/repeating_failure.hpp"
#include "harness/cli/repository_options.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

ExitCode fail(const backup_engine::WalPushRequest& request, base::UtcTime started_at, const base::Error& error) {
  std::fprintf(stderr, "%s\n", base::describe(with_way_on(error, request.repository)).c_str());
  const auto code = exit_code_for(error.kind());
  record_if_possible(request.repository,
                     {request.cluster, "wal push", started_at, static_cast<int>(code), error.what()});
  return code;
}

}  // namespace

void add_wal_push_options(CLI::App& verb, backup_engine::WalPushRequest& request) {
  request.jobs = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  add_repository(verb, request.repository);
  verb.add_option("--cluster", request.cluster, "the cluster's name in the repository")->required();
  verb.add_option_function<std::string>(
          "--compress",
          [&request](const std::string& text) { request.compression = backup_engine::parse_compression(text); },
          "none, lz4 or zstd[:LEVEL]")
      ->default_str("lz4");
  verb.add_option("--ahead", request.ahead, "how many further segments that are ready go along")
      ->check(CLI::Range(0U, 1000U))
      ->capture_default_str();
  verb.add_option("--jobs", request.jobs, "threads for those")->check(CLI::Range(1U, 64U))->capture_default_str();
  verb.add_option("PATH", request.file, "%p")->required();
}

ExitCode push_for_postgresql(const backup_engine::WalPushRequest& request) noexcept {
  const auto started_at = base::utc_now();
  try {
    (void)backup_engine::push_wal(request);
    return ExitCode::pass;
  } catch (const base::Error& error) {
    return fail(request, started_at, error);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(request, started_at, base::system_error(error.code().value(), "look at", error.path1().string()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lifeboat: a defect of Lifeboat: %s\n", error.what());
  }
  return ExitCode::unknown;
}

}  // namespace harness::cli

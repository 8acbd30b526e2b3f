#include "harness/server/doctor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <locale>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "harness/server/server.hpp"
#include "harness/server/socket_directory.hpp"
#include "harness/server/work_directory.hpp"

namespace harness::server {

namespace fs = std::filesystem;
namespace pg = backup_engine::postgres;
using backup_engine::base::Deadline;
using backup_engine::base::Error;

namespace {

constexpr auto patience = std::chrono::seconds(20);

// Those that tests/versions and CI run everything with; docs/servers.md, "Versions".
constexpr std::array majors_in_tests = {15, 17, 18};

bool in_tests(int major) {
  return std::ranges::find(majors_in_tests, major) != majors_in_tests.end();
}

struct Needed {
  const char* program;
  const char* for_what;
};
constexpr Needed needed_programs[] = {
    {"postgres", "servers"},
    {"initdb", "new clusters"},
    {"pg_resetwal", "new clusters from the template"},
    {"pg_verifybackup", "checking restored directories"},
    {"pg_checksums", "checking page checksums"},
    {"pg_amcheck", "checking indexes and tables"},
    {"pg_waldump", "reading witness WAL"},
    {"pg_receivewal", "taking witness WAL"},
    {"pgbench", "the pgbench dataset"},
};

Examined examine_installation(const Installation& installation) {
  const int major = installation.version.major();
  Examined examined{
      .what = fmt::format("PostgreSQL {}", major),
      .health = Health::good,
      .detail = fmt::format("{} in {}", pg::to_string(installation.version), installation.bin_directory.string()),
      .remedy = ""};
  if (!pg::supported(major)) {
    examined.health = Health::limited;
    examined.detail += ", which Lifeboat does not support";
    examined.remedy = fmt::format("install one of {} to {}", pg::oldest_supported_major, pg::newest_supported_major);
    return examined;
  }
  std::vector<std::string> missing;
  for (const auto& [program, for_what] : needed_programs) {
    if (::access(installation.program(program).c_str(), X_OK) == 0) continue;
    missing.push_back(fmt::format("{} ({})", program, for_what));
    examined.remedy = apt_line(major, program);
  }
  // Debian's layout; a named directory's share lies beside it.
  const auto debian_share = fs::path("/usr/share/postgresql") / std::to_string(major);
  const auto own_share = installation.bin_directory.parent_path() / "share";
  bool has_amcheck = false;
  for (const auto& share : {debian_share, own_share, own_share / "postgresql"}) {
    has_amcheck = has_amcheck || fs::exists(share / "extension" / "amcheck.control");
  }
  if (!has_amcheck) {
    missing.emplace_back("the extension amcheck (checking indexes and tables)");
    examined.remedy = apt_line(major, "postgres");
  }
  if (!in_tests(major)) {
    examined.health = Health::limited;
    examined.detail += ", which Lifeboat's tests were not run with";
    examined.remedy = fmt::format("drill it before you rely on it: lifeboat run scenarios/smoke --pg-bindir {}",
                                  installation.bin_directory.string());
  }
  if (!missing.empty()) {
    examined.health = Health::bad;
    examined.detail += fmt::format("; missing: {}", fmt::join(missing, ", "));
  }
  return examined;
}

void examine_installations(const DoctorOptions& options, std::vector<Examined>& all) {
  const auto found = find_installations(options.bin_directory);
  for (const auto& installation : found) all.push_back(examine_installation(installation));
  (void)choose_installation(found, std::nullopt);  // throws when none can be used
  std::vector<int> absent;
  for (int major = pg::oldest_supported_major; major <= pg::newest_supported_major; ++major) {
    bool present = false;
    for (const auto& installation : found) present = present || installation.version.major() == major;
    if (!present) absent.push_back(major);
  }
  if (absent.empty()) return;
  all.push_back({.what = "other versions",
                 .health = Health::limited,
                 .detail = fmt::format("PostgreSQL {} not installed: drills cannot try them", fmt::join(absent, ", ")),
                 .remedy = "if you run one of them, apt-get install postgresql-N from a source that has it"});
}

Examined examine_tested_versions(const DoctorOptions&) {
  std::vector<int> untested;
  for (int major = pg::oldest_supported_major; major <= pg::newest_supported_major; ++major) {
    if (!in_tests(major)) untested.push_back(major);
  }
  return {.what = "tested versions",
          .health = Health::good,
          .detail = fmt::format("Lifeboat's tests are run with PostgreSQL {}; supported, and not run: {}",
                                fmt::join(majors_in_tests, ", "), fmt::join(untested, ", ")),
          .remedy = ""};
}

Examined examine_user(const DoctorOptions& options) {
  const auto user = resolve_server_user(options.run_as);
  return {.what = "server user",
          .health = Health::good,
          .detail = user ? fmt::format("{} (uid {})", user->name, user->uid) : fmt::format("you (uid {})", ::geteuid()),
          .remedy = ""};
}

// Where a directory that is not there yet would be made.
fs::path nearest_existing(const fs::path& wanted) {
  auto place = fs::absolute(wanted).lexically_normal();
  while (!fs::exists(place) && place.has_relative_path()) place = place.parent_path();
  return fs::canonical(place);
}

Examined examine_work_directory(const DoctorOptions& options) {
  const auto user = resolve_server_user(options.run_as);
  const auto directory = nearest_existing(options.work_directory);
  Examined examined{.what = "work directory", .health = Health::good, .detail = directory.string(), .remedy = ""};
  if (!can_reach(directory, user)) {
    examined.health = Health::limited;
    examined.detail += fmt::format(": {} cannot reach it; server data goes to a private folder under /var/tmp",
                                   user ? user->name : "the server's user");
    examined.remedy = "name a directory that it can reach with --work-dir";
  }
  return examined;
}

Examined examine_space(const DoctorOptions& options) {
  constexpr std::uint64_t little_bytes = 2'000'000'000;  // a smoke drill: source, repository, target and their WAL
  const auto user = resolve_server_user(options.run_as);
  const auto wanted = nearest_existing(options.work_directory);
  const fs::path place = can_reach(wanted, user) ? wanted : "/var/tmp";
  const auto free_bytes = backup_engine::base::free_space_bytes(place);
  const bool enough = free_bytes >= little_bytes;
  return {.what = "free space",
          .health = enough ? Health::good : Health::limited,
          .detail = fmt::format("{} on {}", backup_engine::base::bytes_text(free_bytes), place.string()),
          .remedy =
              enough ? "" : "free some, or name another directory with --work-dir: a drill needs 1.5 times its source"};
}

Examined examine_socket_directory(const DoctorOptions& options) {
  const auto user = resolve_server_user(options.run_as);
  const auto parent = socket_parent({}, user);
  const auto directory = make_socket_directory(parent, user);
  const bool reachable = can_reach(directory.path(), user);
  return {
      .what = "socket directory",
      .health = reachable ? Health::good : Health::bad,
      .detail = fmt::format("below {}{}", parent.string(), reachable ? "" : ", which the server's user cannot reach"),
      .remedy = reachable ? "" : "make it passable (chmod +x), or set XDG_RUNTIME_DIR"};
}

Examined examine_isolation(const DoctorOptions&) {
  const auto& why_not = why_not_isolated();
  return {.what = "network isolation",
          .health = why_not.empty() ? Health::good : Health::limited,
          .detail = why_not.empty() ? "restored servers get a network and a file system of their own"
                                    : "restored servers are kept to themselves by settings alone: " + why_not,
          .remedy = why_not.empty() ? "" : "run as root or with CAP_SYS_ADMIN (in a container: --cap-add=SYS_ADMIN)"};
}

Examined examine_locale(const DoctorOptions&) {
  const std::locale* const made = [] {
    try {
      static const std::locale locale("C.UTF-8");
      return &locale;
    } catch (const std::runtime_error&) {
      return static_cast<const std::locale*>(nullptr);
    }
  }();
  const bool known = made != nullptr;
  return {.what = "locale C.UTF-8",
          .health = known ? Health::good : Health::bad,
          .detail = known ? "known" : "unknown to this system: clusters are made with it",
          .remedy = known ? "" : "apt-get install libc-bin"};
}

Examined examine_limits(const DoctorOptions&) {
  constexpr rlim_t few_files = 1024, few_processes = 512;
  const auto soft = [](auto resource) {
    rlimit limit{};
    return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
  };
  const auto text = [](rlim_t value) { return value == RLIM_INFINITY ? "unlimited" : fmt::to_string(value); };
  const auto files = soft(RLIMIT_NOFILE), processes = soft(RLIMIT_NPROC);
  const bool enough = files >= few_files && processes >= few_processes;
  return {.what = "limits",
          .health = enough ? Health::good : Health::limited,
          .detail = fmt::format("{} open files, {} processes", text(files), text(processes)),
          .remedy = enough ? "" : "raise them: ulimit -n 4096, ulimit -u 4096"};
}

}  // namespace

std::vector<Examined> examine(const DoctorOptions& options) {
  std::vector<Examined> all;
  const auto attempt = [&all](const char* what, const std::function<void()>& look) {
    try {
      look();
    } catch (const Error& error) {
      all.push_back({.what = what, .health = Health::bad, .detail = error.what(), .remedy = error.remedy()});
    } catch (const std::exception& error) {
      all.push_back({.what = what, .health = Health::bad, .detail = error.what(), .remedy = ""});
    }
  };
  attempt("PostgreSQL", [&] { examine_installations(options, all); });
  using Look = Examined (*)(const DoctorOptions&);
  constexpr std::pair<const char*, Look> looks[] = {{"tested versions", examine_tested_versions},
                                                    {"server user", examine_user},
                                                    {"work directory", examine_work_directory},
                                                    {"free space", examine_space},
                                                    {"socket directory", examine_socket_directory},
                                                    {"network isolation", examine_isolation},
                                                    {"locale C.UTF-8", examine_locale},
                                                    {"limits", examine_limits}};
  for (const auto& [what, look] : looks) {
    attempt(what, [&, look = look] { all.push_back(look(options)); });
  }
  return all;
}

}  // namespace harness::server

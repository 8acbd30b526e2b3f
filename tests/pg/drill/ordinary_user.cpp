#include "tests/pg/drill/ordinary_user.hpp"

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "backup_engine/base/deadline.hpp"
#include "tests/support/places.hpp"

namespace harness::drill {

namespace fs = std::filesystem;

OrdinaryUser::OrdinaryUser() {
  fs::copy_file(tests::lifeboat_program(), path("lifeboat"));
  fs::permissions(path("lifeboat"), fs::perms(0755));
  fs::copy(source_path("fixtures"), path("fixtures"), fs::copy_options::recursive);
  fs::copy_file(source_path("scenarios/smoke/full-to-backup-point.yaml"), path("full-to-backup-point.yaml"));
}

LifeboatCommand::Ended OrdinaryUser::run_as_user(process::Command command) {
  if (::geteuid() == 0) {
    const auto* const nobody = ::getpwnam("nobody");
    command.run_as = process::OsUser{nobody->pw_name, nobody->pw_uid, nobody->pw_gid};
  }
  const auto done = process::run(command, backup_engine::base::Deadline::after(std::chrono::seconds(120)));
  return {done.status.code, done.output};
}

LifeboatCommand::Ended OrdinaryUser::lifeboat_as_user(const Arguments& arguments,
                                                      const std::map<std::string, std::string>& environment) const {
  process::Command command;
  command.program = path("lifeboat");
  command.arguments = arguments;
  command.environment = environment;
  return run_as_user(std::move(command));
}

// Within a user namespace of his own he may say that it has no further ones; where he gets none it is true already.
LifeboatCommand::Ended OrdinaryUser::lifeboat_without_namespaces(const Arguments& arguments) const {
  constexpr auto script = R"(unshare --user true || exec "$@"
exec unshare --user --map-current-user --keep-caps sh -c '
  echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps -all --inh-caps -all "$@"' sh "$@")";
  process::Command command;
  command.program = "/bin/sh";
  command.arguments = {"-c", script, "sh", path("lifeboat").string()};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  fs::create_directories(path("home"));
  fs::permissions(path("home"), fs::perms(01777));
  command.environment = {{"HOME", path("home").string()}};
  if (const auto* const bin_directory = std::getenv("LIFEBOAT_TEST_PG_BINDIR"); bin_directory != nullptr) {
    command.arguments.insert(command.arguments.end(), {"--pg-bindir", bin_directory});
  }
  return run_as_user(std::move(command));
}

}  // namespace harness::drill

#include "tests/pg/wal/archiving.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "backup_engine/base/file.hpp"
#include "tests/support/places.hpp"

namespace tests {

namespace fs = std::filesystem;
using backup_engine::base::poll_until;
using harness::server::soon;

Archiving::Archiving() : lifeboat_(directory_.path() / "lifeboat") {
  // Where the servers' user can reach it, and a repository that is the user's own.
  for (const char* const program : {"lifeboat", "lifeboat-wal-fetch", "lifeboat-wal-push"}) {
    fs::copy_file(tests::lifeboat_program().parent_path() / program, directory_.path() / program);
    fs::permissions(directory_.path() / program, fs::perms(0755));
  }
  if (!user_) return;
  EXPECT_EQ(::lchown(repository_.c_str(), user_->uid, user_->gid), 0);
  for (const auto& entry : fs::recursive_directory_iterator(repository_)) {
    EXPECT_EQ(::lchown(entry.path().c_str(), user_->uid, user_->gid), 0);
  }
}

std::string Archiving::push_command(const std::string& cluster) const {
  return fmt::format("{}-wal-push --repo {} --cluster {} %p", lifeboat_.string(), repository_.string(), cluster);
}

void Archiving::start_archiving(std::map<std::string, std::string> settings) {
  settings.try_emplace("archive_mode", "on");
  start(settings);
  set_archive_command(push_command());
}

void Archiving::set_archive_command(const std::string& command) const {
  execute("ALTER SYSTEM SET archive_command = " + backup_engine::postgres::quote_literal(command));
  execute("SELECT pg_reload_conf()");
}

Archiving::Ended Archiving::lifeboat(const std::vector<std::string>& arguments) const {
  harness::process::Command command;
  command.program = lifeboat_;
  command.arguments = arguments;
  command.run_as = user_;
  command.working_directory = directory_.path();
  const auto done = harness::process::run(command, soon());
  EXPECT_EQ(done.status.signal, 0) << done.output;
  return {done.status.code, done.output};
}

std::string Archiving::lifeboat_ok(const std::vector<std::string>& arguments) const {
  const auto ended = lifeboat(arguments);
  EXPECT_EQ(ended.code, 0) << ended.words;
  return ended.words;
}

std::vector<std::string> Archiving::in_cluster(std::vector<std::string> verb,
                                               const std::vector<std::string>& more) const {
  verb.insert(verb.end(), {"--repo", repository_.string(), "--cluster", "main"});
  verb.insert(verb.end(), more.begin(), more.end());
  return verb;
}

std::string Archiving::end_segment() const {
  // Up to 16 a position at a segment's start belongs to the one before, from 17 on to the one behind: so a record
  // first.
  execute("SELECT pg_logical_emit_message(true, 'test', 'some WAL')");
  const auto name = ask("SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
  execute("SELECT pg_switch_wal()");
  return name;
}

void Archiving::wait_until_archived(const std::string& file_name) const {
  const auto done = directory_.path() / "data" / "pg_wal" / "archive_status" / (file_name + ".done");
  poll_until(soon(), file_name + " to be archived", [&]() -> std::optional<std::string> {
    if (fs::exists(done)) return std::nullopt;
    return "last archived: " + archiver("last_archived_wal") + ", failed: " + archiver("failed_count") + "\n" +
           harness::process::tail_of(directory_.path() / "data.log", 5);
  });
}

std::string Archiving::archiver(const std::string& column) const {
  return ask(fmt::format("SELECT coalesce({}::text, 'none') FROM pg_stat_archiver", column));
}

std::string Archiving::answer_of(const std::string& directory, const std::string& query) const {
  auto wanted = options(directory);
  wanted.settings = {{"archive_mode", "off"}, {"recovery_init_sync_method", "syncfs"}};
  const auto restored = started(wanted);
  poll_until(soon(), "the end of recovery", [&]() -> std::optional<std::string> {
    const auto state = restored.connect().query("SELECT pg_is_in_recovery()").single();
    return state == "f" ? std::nullopt : std::optional(state);
  });
  return restored.connect().query(query).single();
}

}  // namespace tests

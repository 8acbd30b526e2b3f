// Backups as processes of their own, `lifeboat backup`, that are stopped, killed and starved; and what must hold of the
// repository and of the server afterwards.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/verify.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/pg/backup/chained_cluster.hpp"
#include "tests/support/places.hpp"

namespace backup_engine {

class BackupProcesses : public ChainedCluster {
 protected:
  using Subprocess = harness::process::Subprocess;

  // `lifeboat VERB --repo … --cluster main ARGUMENTS` in the background; what it says is words(NAME).
  [[nodiscard]] Subprocess begin(const std::string& name, const std::string& verb,
                                 const std::vector<std::string>& arguments) const {
    harness::process::Command command;
    command.program = tests::lifeboat_program();
    command.arguments = {verb, "--repo", repository().string(), "--cluster", "main"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.output_file = words_file(name);
    return Subprocess::start(command);
  }
  // max_rate: slow enough to be met while it copies; empty: as fast as it goes.
  [[nodiscard]] Subprocess begin_backup(const std::string& name, BackupType type,
                                        const std::string& max_rate = {}) const {
    std::vector<std::string> arguments{"--dbname", source_->conninfo(), "--type", to_string(type), "--jobs",
                                       "2",        "--progress",        "none"};
    if (!streaming_) arguments.insert(arguments.end(), {"--pgdata", source_->options().data_directory.string()});
    if (!max_rate.empty()) arguments.insert(arguments.end(), {"--max-rate", max_rate});
    return begin(name, "backup", arguments);
  }
  [[nodiscard]] std::filesystem::path words_file(const std::string& name) const {
    return directory_.path() / (name + ".words");
  }
  [[nodiscard]] std::string words(const std::string& name) const { return base::read_file(words_file(name)); }

  static int end_of(Subprocess& process) {
    const auto status = process.wait(harness::server::soon());
    EXPECT_EQ(status.signal, 0);
    return status.code;
  }
  // Its exit code is `code`, and it says why in one message.
  void expect_refused(Subprocess& process, const std::string& name, int code) const {
    EXPECT_EQ(end_of(process), code) << words(name);
    std::istringstream lines(words(name));
    unsigned messages = 0;
    for (std::string line; std::getline(lines, line);) messages += line.starts_with("lifeboat: ") ? 1U : 0U;
    EXPECT_EQ(messages, 1U) << words(name);
  }
  std::string expire(const std::vector<std::string>& arguments) {
    const auto name = "expire-" + std::to_string(++expired_);
    auto process = begin(name, "expire", arguments);
    EXPECT_EQ(end_of(process), 0) << words(name);
    return words(name);
  }

  [[nodiscard]] std::unique_ptr<store::Storage> storage() const {
    return store::open_repository({repository().string()});
  }
  [[nodiscard]] std::vector<store::Intent> intents() const { return store::list_intents(*storage(), "main"); }
  [[nodiscard]] std::set<std::string> labels() const {
    const auto found = store::list_backup_labels(*storage(), "main");
    return {found.begin(), found.end()};
  }

  // Until it has its intent and has begun to put objects.
  [[nodiscard]] store::Intent wait_until_copying(Subprocess& process, const std::string& name) const {
    std::vector<store::Intent> found;
    base::poll_until(harness::server::soon(), "an intent", [&]() -> std::optional<std::string> {
      found = intents();
      if (!found.empty() && std::filesystem::exists(repository() / "clusters/main/backups" / found.front().label)) {
        return std::nullopt;
      }
      if (const auto ended = process.poll()) {
        throw base::Error(base::ErrorKind::process, "it ended before: " + words(name));
      }
      return "none yet";
    });
    return found.front();
  }
  // One that ended before the signal came is as good as asleep.
  static void put_to_sleep(Subprocess& process) {
    process.send(SIGSTOP);
    base::poll_until(harness::server::soon(), "the process to stop", [&]() -> std::optional<std::string> {
      const auto text = base::read_file("/proc/" + std::to_string(process.pid()) + "/stat");
      const auto state = text.substr(text.rfind(')') + 2, 1);
      return state == "T" || state == "Z" ? std::nullopt : std::optional(state);
    });
  }
  static void wake(Subprocess& process) { process.send(SIGCONT); }

  // Everything can be read and restored.
  void expect_sound() const { expect_sound(verified()); }
  // No intent; and among the backups no object that none of them needs, no put and no empty folder.
  void expect_no_debris() const { expect_no_debris(verified()); }
  void expect_sound_without_debris() const {
    const auto found = verified();
    expect_sound(found);
    expect_no_debris(found);
  }
  // Whose process is known to be dead.
  void revoke_the_dead() {
    for (const auto& intent : intents()) {
      EXPECT_THAT(expire({"--keep-full", "9"}), ::testing::HasSubstr("held    " + store::to_string(intent)));
      expire({"--revoke", intent.label, "--keep-full", "9"});
    }
  }
  // No session and no slot of a backup, and none that the server thinks goes on.
  void expect_server_is_free() {
    base::poll_until(harness::server::soon(), "the end of the backup's sessions", [&]() -> std::optional<std::string> {
      const auto left = ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lifeboat backup'");
      return left == "0" ? std::nullopt : std::optional(left);
    });
    EXPECT_EQ(ask("SELECT string_agg(slot_name, ',') FROM pg_replication_slots"), "lifeboat");
    EXPECT_EQ(ask("SELECT count(*) FROM pg_stat_progress_basebackup"), "0");
    EXPECT_FALSE(std::filesystem::exists(data() / "backup_label"));
  }
  // Of this repository's, but the given ones.
  [[nodiscard]] std::vector<std::string> processes() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::string line;
      try {
        line = base::read_file(entry.path() / "cmdline");
      } catch (const base::Error&) {
        continue;  // no process, or one that has just ended
      }
      std::replace(line.begin(), line.end(), '\0', ' ');
      if (line.find(repository().string()) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  [[nodiscard]] VerifyResult verified() const {
    base::NoProgress progress;
    return verify_repository({{repository().string()}, {}, {}, 2}, progress);
  }
  void expect_sound(const VerifyResult& found) const {
    for (const auto& damage : found.damage) ADD_FAILURE() << damage.object << ": " << damage.text;
    std::set<std::string> restorable;
    for (const auto& backup : found.backups) {
      EXPECT_TRUE(backup.restorable) << backup.label << ": " << backup.reason;
      restorable.insert(backup.label);
    }
    EXPECT_EQ(restorable, labels());
  }
  void expect_no_debris(const VerifyResult& found) const {
    EXPECT_THAT(intents(), ::testing::IsEmpty());
    for (const auto& name : found.debris) EXPECT_FALSE(name.starts_with(store::backups_prefix("main"))) << name;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repository() / "clusters/main/backups")) {
      EXPECT_FALSE(entry.is_directory() && std::filesystem::is_empty(entry)) << entry.path();
    }
  }

  unsigned expired_ = 0;
};

}  // namespace backup_engine

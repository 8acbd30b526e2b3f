// Every kind of object of a repository cut off, replaced by garbage, or written by a later Lifeboat: what each verb
// says of it, and that it touches nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/pg/server/operated_cluster.hpp"
#include "tests/support/newer_format.hpp"

namespace tests {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace store = backup_engine::store;
using testing::HasSubstr;

constexpr int ended_well = 0, damaged = 1, usage = 3, failed_wal_fetch = 254;

// What a verb does about an object. Refused ends with 1 where the object is damaged and with 3 where it is newer; told
// or refused is the same, with damage among what the verb prints. A finding is told however it came about.
enum class Answer { fine, refused, told_or_refused, finding, failed_fetch };

struct Kind {
  std::string object;
  std::map<std::string, Answer> answers;  // by verb; fine where nothing stands
};

class BadObjects : public harness::server::OperatedCluster, public testing::WithParamInterface<bool> {
 protected:
  BadObjects() : encrypted_(GetParam()) {
    if (encrypted_) lifeboat_ok({"repo", "new-key", path("key")});
    lifeboat_ok(with_key({"repo", "init", "--repo", repository()}));
    run("CREATE TABLE boats AS SELECT n, md5(n::text) AS name FROM generate_series(1, 2000) AS n");
    auto receiver = receiving(with_key({"--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(),
                                        "--slot", "lifeboat", "--create-slot"}));
    full_ = back_up(with_key({}));
    run("UPDATE boats SET name = 'x' WHERE n = 1");
    newest_ = back_up(with_key({"--type", "incremental"}));
    run("SELECT pg_logical_emit_message(true, 'test', 'some WAL'), pg_switch_wal()");
    run("UPDATE boats SET name = 'y' WHERE n = 1");
    wait_until_acknowledged();
    end(receiver);
  }

  [[nodiscard]] std::vector<std::string> with_key(std::vector<std::string> arguments) const {
    if (encrypted_) arguments.insert(arguments.end(), {"--key-file", path("key")});
    return arguments;
  }

  [[nodiscard]] std::string first_below(const std::string& prefix, const std::string& end = "") const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(repository())) {
      const auto name = entry.path().lexically_relative(repository()).string();
      if (entry.is_regular_file() && name.starts_with(prefix) && name.ends_with(end)) names.push_back(name);
    }
    std::ranges::sort(names);
    return names.empty() ? "" : names.front();
  }

  // As if the source had been promoted: what "latest" means depends on it.
  [[nodiscard]] std::string put_history() const {
    const auto storage = store::open_repository({repository(), {}});
    const auto name = store::wal_history_name("shop", backup_engine::postgres::TimelineId(2));
    const auto text = "1\t" + ask("SELECT pg_current_wal_flush_lsn()") + "\tpromoted\n";
    store::put_framed(*storage, name, store::ObjectKind::wal_history, {}, std::as_bytes(std::span(text)),
                      store::Durability::now);
    give(fs::path(repository()) / name);
    return name;
  }

  // A copy of the repository, by links to its objects, which nobody changes in place; one object is other bytes.
  void copy_with(const std::string& object, const std::string& bytes) const {
    fs::remove_all(path("copy"));
    for (const auto& entry : fs::recursive_directory_iterator(repository())) {
      const auto to = path("copy") / entry.path().lexically_relative(repository());
      fs::create_directories(to.parent_path());
      if (entry.is_regular_file()) fs::create_hard_link(entry.path(), to);
    }
    fs::remove(path("copy") / object);
    base::write_file_atomically(path("copy") / object, bytes, 0640);
    give(path("copy"));
    for (const auto& entry : fs::recursive_directory_iterator(path("copy"))) {
      if (entry.is_directory() || entry.path() == path("copy") / object) give(entry.path());
    }
  }
  void give(const fs::path& to) const {
    if (!user_) return;
    ASSERT_EQ(::lchown(to.c_str(), user_->uid, user_->gid), 0);
  }

  // Objects of the copy but the operations log's: name, and which file with how many bytes.
  [[nodiscard]] std::map<std::string, std::string> objects() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path("copy"))) {
      const auto name = entry.path().lexically_relative(path("copy")).string();
      if (!entry.is_regular_file() || name.find("operations/") != std::string::npos) continue;
      struct stat status {};
      EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
      found[name] = fmt::format("{} {} {}", status.st_ino, status.st_size, status.st_mtime);
    }
    return found;
  }

  [[nodiscard]] std::vector<std::string> arguments_of(const std::string& verb) const {
    const std::map<std::string, std::vector<std::string>> further = {
        {"list", {"list"}},
        {"verify", {"verify"}},
        {"restore", {"restore", "--cluster", "shop", "--to", path("to"), "--progress", "none"}},
        {"wal fetch", {"wal", "fetch", "--cluster", "shop", wal_file_, path("fetched")}},
        {"wal check", {"wal", "check", "--cluster", "shop"}},
        {"expire", {"expire", "--keep-full", "1"}}};
    auto arguments = with_key(further.at(verb));
    arguments.insert(arguments.end(), {"--repo", path("copy")});
    return arguments;
  }

  void expect(const std::string& verb, Answer answer, const std::string& object, bool newer) {
    const auto before = objects();
    fs::remove_all(path("to"));
    const auto ended = lifeboat(arguments_of(verb));
    SCOPED_TRACE(verb + ": " + ended.words);
    const bool is_refused = answer == Answer::refused || (answer == Answer::told_or_refused && newer);
    const int code = answer == Answer::fine           ? ended_well
                     : answer == Answer::failed_fetch ? failed_wal_fetch
                     : is_refused && newer            ? usage
                                                      : damaged;
    EXPECT_EQ(ended.code, code);
    const auto now = objects();
    if (answer == Answer::fine) {
      if (verb == "expire") return;  // may remove WAL that nobody needs
    } else {
      EXPECT_THAT(ended.words, HasSubstr(object));
      EXPECT_FALSE(fs::exists(path("to/global/pg_control"))) << "what was restored can be started";
    }
    EXPECT_EQ(now, before);
    if (is_refused || answer == Answer::failed_fetch) expect_one_message(ended.words, newer);
  }

  static void expect_one_message(const std::string& words, bool newer) {
    std::istringstream lines(words);
    std::vector<std::string> messages;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("lifeboat: ")) messages.push_back(line);
    }
    EXPECT_EQ(messages.size(), 1U);
    EXPECT_THAT(words, HasSubstr("what to do: "));
    EXPECT_EQ(words.find(" 99; this Lifeboat reads ") != std::string::npos, newer);
  }

  void walk(const std::vector<Kind>& kinds) {
    for (const auto& kind : kinds) {
      SCOPED_TRACE(kind.object);
      const auto sound = base::read_file(fs::path(repository()) / kind.object);
      std::string garbage(std::min<std::size_t>(sound.size(), 5000), ' ');
      for (std::size_t i = 0; i < garbage.size(); ++i) garbage[i] = static_cast<char>(i * 7 + i / 5);
      const std::vector<std::pair<std::string, std::string>> damages = {
          {"cut off", sound.substr(0, sound.size() / 2)}, {"garbage", garbage}, {"newer", in_newer_format(sound)}};
      for (const auto& [what, bytes] : damages) {
        if (what == "garbage" && encrypted_) continue;  // it opens no better than what is cut off
        SCOPED_TRACE(what);
        copy_with(kind.object, bytes);
        for (const std::string verb : {"list", "verify", "restore", "wal fetch", "wal check", "expire"}) {
          const auto answer = kind.answers.find(verb);
          // Whom it does not concern is asked once.
          if (answer == kind.answers.end() && (what != "newer" || encrypted_)) continue;
          expect(verb, answer == kind.answers.end() ? Answer::fine : answer->second, kind.object, what == "newer");
        }
      }
    }
  }

  bool encrypted_;
  std::string full_, newest_, wal_file_;
};

constexpr auto refused = Answer::refused, told_or_refused = Answer::told_or_refused, finding = Answer::finding,
               failed_fetch = Answer::failed_fetch;

// By each verb, what is about the whole repository or the whole cluster.
std::map<std::string, Answer> by_all(Answer by_verify) {
  return {{"list", refused},           {"verify", by_verify},  {"restore", refused},
          {"wal fetch", failed_fetch}, {"wal check", refused}, {"expire", refused}};
}

TEST_P(BadObjects, AreNamedOnceWithTheRightCodeAndNothingIsTouched) {
  const auto segment = first_below("clusters/shop/wal/", ".lz4");
  wal_file_ = fs::path(segment).stem();
  const auto pack = store::pack_name("shop", full_, 0);
  std::vector<Kind> kinds = {
      {store::cluster_document("shop"), by_all(finding)},
      // An older backup takes its place.
      {store::manifest_name("shop", newest_),
       {{"list", finding}, {"verify", finding}, {"wal check", finding}, {"expire", refused}}},
      {store::file_table_name("shop", newest_), {{"verify", finding}, {"restore", refused}}},
      {store::block_root_name("shop", newest_), {{"verify", finding}, {"restore", refused}}},
      {store::block_index_name("shop", newest_), {{"verify", finding}, {"restore", refused}}},
      {store::block_hashes_name("shop", newest_), {{"verify", finding}, {"restore", refused}}},
      {pack, {{"verify", finding}, {"restore", refused}}},
      {segment, {{"verify", finding}, {"wal fetch", failed_fetch}}},
      {first_below("clusters/shop/operations/"), {{"list", told_or_refused}, {"verify", told_or_refused}}},
      {first_below("operations/"), {{"list", told_or_refused}, {"verify", told_or_refused}}},
      {store::repository_document(), by_all(told_or_refused)}};
  if (encrypted_) {
    kinds.push_back({store::wrapped_keys_name(1), by_all(told_or_refused)});
  } else {
    kinds.push_back(
        {put_history(), {{"verify", finding}, {"restore", refused}, {"wal check", finding}, {"expire", refused}}});
  }
  walk(kinds);
}

INSTANTIATE_TEST_SUITE_P(InARepository, BadObjects, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "encrypted" : "in_the_clear"; });

}  // namespace
}  // namespace tests

// Key files, and the keys of a repository that they open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/store/key_file.hpp"
#include "backup_engine/store/rekey.hpp"
#include "backup_engine/store/sealed_json.hpp"
#include "backup_engine/store/state_digest.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using base::ErrorKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::kind_of_failure;

namespace {

class Keys : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path new_key(const std::string& name) const {
    const auto path = repository_.path(name);
    backup_engine::make_key_file(path);
    return path;
  }
  [[nodiscard]] backup_engine::RekeyRequest rekey_to(const fs::path& key) const {
    return {repository_.location(), key, false};
  }
  ErrorKind refusal(const fs::path& key) {
    return kind_of_failure([&] { static_cast<void>(repository_.open(key)); }, &message_);
  }

  std::string reason_with(const fs::path& key) {
    try {
      static_cast<void>(repository_.open(key));
    } catch (const base::Error& error) {
      return base::reason_of(error);
    }
    return "opened";
  }

  tests::EncryptedRepository repository_;
  std::string message_;
};

}  // namespace

TEST_F(Keys, AFileIsMadeForItsOwnerAloneAndNeverWrittenOver) {
  const auto path = new_key("another");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto text = base::read_file(path);
  EXPECT_TRUE(text.starts_with("lifeboat-key-1 "));
  EXPECT_EQ(kind_of_failure([&] { backup_engine::make_key_file(path); }), ErrorKind::already_exists);
  EXPECT_EQ(base::read_file(path), text);
  EXPECT_NE(base::read_file(new_key("third")), text);
}

TEST_F(Keys, AFileThatOthersCanReadIsRefusedByName) {
  for (const auto mode : {0640U, 0604U, 0620U, 0666U}) {
    fs::permissions(repository_.key_file(), static_cast<fs::perms>(mode));
    EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::usage) << mode;
    EXPECT_THAT(message_, HasSubstr(repository_.key_file().string()));
  }
  fs::permissions(repository_.key_file(), fs::perms(0400));
  EXPECT_NE(repository_.open(), nullptr);
}

TEST_F(Keys, AFileThatIsNotThereIsNamedWithTheWayOn) {
  try {
    static_cast<void>(repository_.open(repository_.path("nowhere")));
    FAIL() << "opened without a key";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), HasSubstr("nowhere"));
    EXPECT_THAT(error.remedy(), HasSubstr("repo new-key"));
  }
}

TEST_F(Keys, WhatIsNoKeyFileIsRefusedAndNotShown) {
  const auto good = base::read_file(repository_.key_file());
  const auto path = repository_.path("bad");
  for (const auto& text : {std::string(), std::string("secret\n"), good.substr(0, good.size() - 1), good + "\n",
                           good.substr(0, 20) + "X" + good.substr(21)}) {
    base::write_file_atomically(path, text, 0600);
    EXPECT_EQ(refusal(path), ErrorKind::usage);
    EXPECT_THAT(message_, AllOf(HasSubstr(path.string()), ::testing::Not(HasSubstr("secret"))));
  }
  EXPECT_EQ(refusal(repository_.path("absent")), ErrorKind::not_found);
}

// Reading it would wait for whoever writes, for ever.
TEST_F(Keys, APipeOrADeviceIsRefusedAtOnce) {
  const auto pipe = repository_.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& path : {pipe, fs::path("/dev/null"), repository_.path("")}) {
    EXPECT_EQ(refusal(path), ErrorKind::usage);
    EXPECT_THAT(message_, AllOf(HasSubstr(path.string()), HasSubstr("no regular file")));
  }
}

// LIFEBOAT_KEY_FILE=$(cat key): logs keep what errors say.
TEST_F(Keys, AKeyThatIsGivenAsAPathIsNotShown) {
  const auto line = base::read_file(repository_.key_file());
  const auto digits = line.substr(line.find(' ') + 1, 64);
  for (const auto& path : {line, digits, "/etc/" + digits, line.substr(0, line.size() - 1)}) {
    EXPECT_EQ(refusal(path), ErrorKind::usage);
    EXPECT_THAT(message_, AllOf(HasSubstr("looks like a key"), ::testing::Not(HasSubstr(digits))));
    EXPECT_EQ(kind_of_failure([&] { backup_engine::make_key_file(path); }, &message_), ErrorKind::usage);
    EXPECT_THAT(message_, ::testing::Not(HasSubstr(digits)));
  }
}

TEST_F(Keys, ARepositoryOpensWithItsOwnKeyFileOnly) {
  EXPECT_EQ(
      kind_of_failure(
          [&] {
            static_cast<void>(store::open_repository({repository_.path("repository").string()}, repository_.files()));
          },
          &message_),
      ErrorKind::usage);
  EXPECT_THAT(message_, HasSubstr("is encrypted"));
  EXPECT_EQ(refusal(new_key("another")), ErrorKind::mismatch);
  EXPECT_THAT(message_, HasSubstr("holds another key"));
  EXPECT_EQ(reason_with(repository_.path("another")), "key_wrong");
  EXPECT_EQ(reason_with(repository_.path("nowhere")), "key_missing");
  EXPECT_NE(repository_.open()->keys(), nullptr);
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);  // who has opened a key leaves no core dump
}

TEST_F(Keys, WhoeverHasOpenedAKeyFileLeavesNoCoreDump) {
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto key = store::read_key_file(repository_.key_file());
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
    std::signal(SIGABRT, SIG_DFL);
    ::raise(SIGABRT);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_FALSE(WCOREDUMP(status));
}

TEST_F(Keys, ARepositoryInTheClearRefusesAKeyFile) {
  const backup_engine::RepositoryLocation location{repository_.path("clear").string()};
  store::init_repository(location, repository_.files());
  EXPECT_EQ(kind_of_failure([&] {
              static_cast<void>(store::open_repository({location.text, repository_.key_file()}, repository_.files()));
            }),
            ErrorKind::mismatch);
  EXPECT_EQ(store::open_repository(location, repository_.files())->keys(), nullptr);
}

TEST_F(Keys, NothingIsMadeWithoutAKeyFile) {
  const auto path = repository_.path("never");
  EXPECT_EQ(kind_of_failure([&] {
              store::init_repository({path.string(), repository_.path("absent")}, repository_.files());
            }),
            ErrorKind::not_found);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Keys, ARekeyChangesTheFileThatOpensAndLeavesWhatWasWritten) {
  const auto files = tests::some_files(4096);
  const auto label = tests::put_backup(repository_.storage(), "main", files);
  const auto another = new_key("another");
  const auto result = store::rekey_repository(rekey_to(another), repository_.files());
  EXPECT_EQ(result.data_keys, 1U);
  EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::mismatch);
  const auto storage = repository_.open(another);
  EXPECT_EQ(tests::read_backup(*storage, "main", label), files);
  EXPECT_THAT(store::list_wrapped_keys(*storage), ElementsAre("keys/00000002.json"));  // the old one opens nothing now
}

TEST_F(Keys, ANewDataKeyIsForWhatComesAndTheOldOneStaysForWhatWas) {
  const auto files = tests::some_files(4096);
  const auto old_label = tests::put_backup(repository_.storage(), "main", files);
  const auto old_id = repository_.storage().keys()->newest()->id();
  EXPECT_EQ(store::rekey_repository({repository_.location(), {}, true}, repository_.files()).data_keys, 2U);
  const auto storage = repository_.open();
  ASSERT_EQ(storage->keys()->all().size(), 2U);
  EXPECT_NE(storage->keys()->newest()->id(), old_id);
  const auto new_label = tests::put_backup(*storage, "main", files);
  EXPECT_EQ(store::read_manifest(*storage, "main", old_label).key_id, old_id);
  EXPECT_EQ(store::read_manifest(*storage, "main", new_label).key_id, storage->keys()->newest()->id());
  EXPECT_EQ(tests::read_backup(*storage, "main", old_label), files);
  EXPECT_EQ(tests::read_backup(*storage, "main", new_label), files);
  // A backup of the old chain stays with the chain's key, whose hashes its blocks are compared with.
  auto layout = tests::small_layout();
  layout.key_id = old_id;
  const auto of_chain = tests::put_backup(*storage, "main", files, layout);
  EXPECT_EQ(store::read_manifest(*storage, "main", of_chain).key_id, old_id);
  EXPECT_EQ(tests::read_backup(*storage, "main", of_chain), files);
}

TEST_F(Keys, ARekeyIsRefusedWhereThereIsNothingToDo) {
  EXPECT_EQ(kind_of_failure([&] {
              store::rekey_repository({repository_.location(), {}, false}, repository_.files());
            }),
            ErrorKind::usage);
  const backup_engine::RepositoryLocation clear{repository_.path("clear").string()};
  store::init_repository(clear, repository_.files());
  EXPECT_EQ(kind_of_failure([&] {
              store::rekey_repository({clear, {}, true}, repository_.files());
            }),
            ErrorKind::usage);
  auto request = rekey_to(new_key("another"));
  request.repository.key_file = new_key("wrong");
  EXPECT_EQ(kind_of_failure([&] { store::rekey_repository(request, repository_.files()); }), ErrorKind::mismatch);
}

class InterruptedRekey : public Keys, public ::testing::WithParamInterface<tests::Fault> {};

INSTANTIATE_TEST_SUITE_P(EveryFault, InterruptedRekey, ::testing::ValuesIn(tests::all_faults), [](const auto& fault) {
  auto name = tests::to_string(fault.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

TEST_P(InterruptedRekey, LeavesAFileThatOpens) {
  const auto another = new_key("another");
  const auto keys = repository_.bytes_of("keys/00000001.json");
  std::uint64_t last = 1;
  for (std::uint64_t n = 1; n <= last; ++n) {
    tests::FaultyFileSystem files(repository_.path("repository"));
    files.strike_at(n, GetParam());
    try {
      store::rekey_repository(rekey_to(another), files);
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("simulated")) << n;
    }
    if (files.struck()) last = n + 1;
    bool opens = false;
    for (const auto& key : {repository_.key_file(), another}) {
      try {
        opens = opens || repository_.open(key)->keys() != nullptr;
      } catch (const base::Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::mismatch) << n << ": " << error.what();
      }
    }
    EXPECT_TRUE(opens) << "after operation " << n;
    for (const auto& entry : fs::directory_iterator(repository_.object("keys"))) fs::remove(entry);
    repository_.overwrite("keys/00000001.json", keys);
  }
  EXPECT_GT(last, 4U);
}

TEST_F(Keys, AKeysObjectOfAnotherRepositoryIsRefused) {
  tests::EncryptedRepository other;
  fs::copy_file(repository_.key_file(), other.path("same"));
  store::rekey_repository({other.location(), other.path("same"), false}, other.files());
  repository_.overwrite("keys/00000002.json", other.bytes_of("keys/00000002.json"));
  EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("keys/00000002.json: its tag is wrong"));
}

TEST_F(Keys, AnOlderKeysObjectUnderANewerNameIsRefused) {
  repository_.overwrite("keys/00000002.json", repository_.bytes_of("keys/00000001.json"));
  EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("keys/00000002.json: its tag is wrong"));
}

// A document's own SHA-256 finds accidents; here somebody makes it right again.
TEST_F(Keys, AKeysObjectThatWasChangedOnPurposeIsRefused) {
  const auto whole = repository_.bytes_of("keys/00000001.json");
  const auto members = nlohmann::ordered_json::parse(whole);
  for (const auto* const name : {"created_at", "key_file_id", "salt", "sealed"}) {
    auto changed = members;
    auto value = members.at(name).get<std::string>();
    value[0] = value[0] == '0' ? '1' : '0';
    changed[name] = value;
    changed.erase("sha256");
    repository_.overwrite("keys/00000001.json", store::seal_json(changed.dump(2)));
    const auto kind = refusal(repository_.key_file());
    EXPECT_EQ(kind, name == std::string("key_file_id") ? ErrorKind::mismatch : ErrorKind::corrupt) << name;
  }
  repository_.overwrite("keys/00000001.json", whole);
  EXPECT_NE(repository_.open(), nullptr);
}

TEST_F(Keys, ARepositoryThatWasDeclaredToBeInTheClearIsRefusedToWhoHasAKey) {
  auto document = nlohmann::ordered_json::parse(repository_.bytes_of("repository.json"));
  document["encryption"] = {{"cipher", "none"}, {"key_id", nullptr}};
  document.erase("sha256");
  repository_.overwrite("repository.json", store::seal_json(document.dump(2)));
  EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::mismatch);
  EXPECT_THAT(message_, HasSubstr("is not encrypted"));
}

TEST_F(Keys, PutBackToAnOlderStateTheyLackWhatCameLaterAndThatIsNamed) {
  const auto older = repository_.bytes_of("keys/00000001.json");
  store::rekey_repository({repository_.location(), {}, true}, repository_.files());
  const auto label = tests::put_backup(*repository_.open(), "main", tests::some_files(4096));
  fs::remove(repository_.object("keys/00000002.json"));
  repository_.overwrite("keys/00000001.json", older);
  const auto storage = repository_.open();
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(store::read_manifest(*storage, "main", label)); }, &message_),
            ErrorKind::corrupt);
  EXPECT_THAT(message_,
              AllOf(HasSubstr(store::manifest_name("main", label)), HasSubstr("not among this repository's")));
}

TEST_F(Keys, ARepositoryWithoutItsKeysSaysSo) {
  fs::remove(repository_.object("keys/00000001.json"));
  EXPECT_EQ(refusal(repository_.key_file()), ErrorKind::corrupt);
  EXPECT_THAT(message_, HasSubstr("keys/00000001.json: missing"));
}

TEST_F(Keys, AnInitThatWasInterruptedCanBeDoneAgain) {
  std::uint64_t last = 1;
  for (std::uint64_t n = 1; n <= last; ++n) {
    const base::TemporaryDirectory directory("/var/tmp", "lifeboat-init");
    const backup_engine::RepositoryLocation location{(directory.path() / "repository").string(),
                                                     repository_.key_file()};
    tests::FaultyFileSystem files(directory.path());
    files.strike_at(n, tests::Fault::power_loss_keeping_names);
    try {
      store::init_repository(location, files);
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("simulated")) << n;
    }
    if (!files.struck()) break;
    last = n + 1;
    tests::FaultyFileSystem sound(directory.path());
    if (!fs::exists(directory.path() / "repository" / store::repository_document())) {
      store::init_repository(location, sound);
    }
    EXPECT_NE(store::open_repository(location, sound)->keys(), nullptr) << "after operation " << n;
  }
  EXPECT_GT(last, 8U);
}

TEST_F(Keys, TheStateDigestTellsOneStateFromAnother) {
  const auto before = store::state_digest(repository_.storage());
  EXPECT_EQ(store::state_digest(repository_.storage()), before);
  tests::put_wal(repository_.storage(), "main");
  EXPECT_EQ(store::state_digest(repository_.storage()), before);  // WAL comes all the time
  const auto label = tests::put_backup(repository_.storage(), "main", tests::some_files(4096));
  const auto with_backup = store::state_digest(repository_.storage());
  EXPECT_NE(with_backup, before);
  // Somebody puts the repository back to the state before: no key tells, the digest does.
  fs::remove_all(repository_.object(store::backup_prefix("main", label)));
  EXPECT_EQ(store::state_digest(repository_.storage()), before);
  store::rekey_repository({repository_.location(), {}, true}, repository_.files());
  EXPECT_NE(store::state_digest(repository_.storage()), before);
}

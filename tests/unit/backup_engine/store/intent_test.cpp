#include "backup_engine/store/intent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
namespace postgres = backup_engine::postgres;
using backup_engine::base::ErrorKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::kind_of_failure;

namespace {

const std::string full = "20261120T021500Z-full", incremental = "20261120T031500Z-incr";

class Intents : public ::testing::Test {
 protected:
  Intents() {
    const backup_engine::RepositoryLocation location{(directory_.path() / "repository").string()};
    backup_engine::init_repository(location);
    storage_ = store::open_repository(location);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }
  [[nodiscard]] static store::Intent intent(const std::string& label, std::vector<std::string> chain = {}) {
    return store::make_intent(label, std::move(chain), postgres::TimelineId(1), postgres::Lsn(0x1000028));
  }
  [[nodiscard]] std::vector<std::string> labels() {
    std::vector<std::string> found;
    for (const auto& intent : store::list_intents(*storage_, "main")) found.push_back(intent.label);
    return found;
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-intent"};
  std::unique_ptr<store::Storage> storage_;
};

}  // namespace

TEST_F(Intents, SayWhoTakesWhatSinceWhenAndFromWhichWal) {
  storage_->put(store::manifest_name("main", full), "…", store::Durability::now);
  const auto put = intent(incremental, {full});
  store::put_intent(*storage_, "main", put);
  const auto found = store::find_intent(*storage_, "main", incremental);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->chain, std::vector{full});
  EXPECT_EQ(found->pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_FALSE(found->user.empty());
  EXPECT_FALSE(found->host.empty());
  EXPECT_EQ(found->since, put.since);
  EXPECT_EQ(found->start_lsn, postgres::Lsn(0x1000028));
  EXPECT_EQ(found->timeline, postgres::TimelineId(1));
  EXPECT_THAT(store::to_string(*found), HasSubstr(incremental + ", taken by " + found->user + " on " + found->host));
}

TEST_F(Intents, AreThereAsLongAsTheyAreHeld) {
  {
    const store::HeldIntent held(*storage_, "main", intent(full));
    EXPECT_THAT(labels(), ElementsAre(full));
    held.require();
  }
  EXPECT_THAT(labels(), IsEmpty());
}

TEST_F(Intents, RefuseASecondBackupOfTheSameLabelAndSayWhoTakesIt) {
  const store::HeldIntent held(*storage_, "main", intent(full));
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { store::put_intent(*storage_, "main", intent(full)); }, &message),
            ErrorKind::already_exists);
  EXPECT_THAT(message, HasSubstr("is being taken already: " + full + ", taken by "));
}

TEST_F(Intents, RefuseAChainThatExpiredMeanwhile) {
  EXPECT_EQ(kind_of_failure([&] { store::put_intent(*storage_, "main", intent(incremental, {full})); }),
            ErrorKind::not_found);
  EXPECT_THAT(labels(), IsEmpty());
}

TEST_F(Intents, RevokedEndTheBackupBeforeItsManifest) {
  const store::HeldIntent held(*storage_, "main", intent(full));
  store::revoke_intent(*storage_, "main", full);
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { held.require(); }, &message), ErrorKind::process);
  EXPECT_THAT(message, HasSubstr("the intent of " + full + " was revoked"));
}

TEST_F(Intents, OfAnotherUnderTheSameLabelDoNotCount) {
  const auto first = intent(full);
  store::put_intent(*storage_, "main", first);
  store::revoke_intent(*storage_, "main", full);
  auto second = intent(full);
  second.since += std::chrono::seconds(1);
  store::put_intent(*storage_, "main", second);
  EXPECT_EQ(kind_of_failure([&] { store::require_intent(*storage_, "main", first); }), ErrorKind::process);
  store::require_intent(*storage_, "main", second);
}

TEST_F(Intents, RevokedBehindTheLastLookHaveTheManifestWithdrawn) {
  const store::HeldIntent held(*storage_, "main", intent(full));
  held.require();
  store::revoke_intent(*storage_, "main", full);
  storage_->put(store::manifest_name("main", full), "…", store::Durability::now);
  EXPECT_EQ(kind_of_failure([&] { held.confirm_published(); }), ErrorKind::process);
  EXPECT_THAT(store::list_backup_labels(*storage_, "main"), IsEmpty());
}

TEST_F(Intents, ConfirmedLeaveTheManifest) {
  const store::HeldIntent held(*storage_, "main", intent(full));
  storage_->put(store::manifest_name("main", full), "…", store::Durability::now);
  held.confirm_published();
  EXPECT_THAT(store::list_backup_labels(*storage_, "main"), ElementsAre(full));
}

TEST_F(Intents, ThatCannotBeReadAreNamed) {
  storage_->put(store::intent_name("main", full), "{}", store::Durability::now);
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { (void)store::list_intents(*storage_, "main"); }, &message), ErrorKind::corrupt);
  EXPECT_THAT(message, HasSubstr("intents/" + full + ".json"));
  store::revoke_intent(*storage_, "main", full);
  EXPECT_THAT(labels(), IsEmpty());
}

TEST_F(Intents, OfNobodyCannotBeRevoked) {
  EXPECT_EQ(kind_of_failure([&] { store::revoke_intent(*storage_, "main", full); }), ErrorKind::not_found);
}

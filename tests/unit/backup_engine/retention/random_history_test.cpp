// Random histories under random rules: whatever a kept backup needs is there afterwards, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/backup_engine/retention/history.hpp"

namespace backup_engine {
namespace {

using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using tests::History;
using namespace std::chrono_literals;

struct Running {
  std::string label;
  std::vector<std::string> chain;
  std::uint64_t first_segment = 0;
};

class RandomHistory {
 public:
  RandomHistory(const std::filesystem::path& directory, base::FileSystem& files, unsigned seed)
      : history_(directory, files), random_(seed) {}

  void make() {
    const auto count = 1 + below(7);
    history_.put_wal(1, 10 * count + 15);
    std::vector<std::string> labels;
    for (unsigned i = 0; i < count; ++i) {
      const auto first = 10ULL * i + 1 + below(5);
      const auto parent =
          labels.empty() || below(3) == 0 ? std::string() : labels[below(static_cast<unsigned>(labels.size()))];
      first_[labels.emplace_back(history_.add((count - i) * 13h + below(60) * 1min, first, first + below(4), parent))] =
          first;
    }
    if (below(2) == 0) {
      running_ = {"20261120T115900Z-incr", history_.made().at(labels[below(count)]).chain, 10ULL * below(count) + 3};
      if (running_->chain.empty()) running_->chain = {labels.back()};
      history_.put_intent(running_->label, running_->chain, running_->first_segment);
      history_.put(store::pack_name("main", running_->label, 0));
    }
    if (below(2) == 0) history_.put(store::pack_name("main", "20261120T101010Z-full", 7));  // of one that was killed
  }

  [[nodiscard]] RetentionRules rules() {
    RetentionRules rules;
    rules.keep_full = below(3);
    rules.keep_hourly = below(4);
    rules.keep_daily = below(3);
    rules.keep_weekly = below(2);
    if (below(2) == 0) rules.pitr_window = below(72) * 1h + 1h;
    if (rules.keep_full + rules.keep_hourly + rules.keep_daily + rules.keep_weekly == 0) rules.keep_monthly = 1;
    return rules;
  }

  void look(const ExpireResult& result) {
    std::set<std::string> needed;
    std::string base;
    for (const auto& backup : result.kept) {
      needed.merge(history_.needed_by(backup.label));
      if (backup.point_in_time && base.empty()) base = backup.label;
    }
    ASSERT_FALSE(base.empty()) << "a restorable backup is always kept";
    const auto there = history_.backup_objects();
    EXPECT_THAT(there, IsSupersetOf(needed));
    for (const auto& name : there) {
      EXPECT_TRUE(needed.contains(name) || is_held(name)) << name << " is needed by nobody";
    }
    std::set<std::string> wal;
    for (std::uint64_t number = 1; number < 10 * history_.made().size() + 15; ++number) {
      if (needs_wal(result, base, number)) wal.insert(History::segment(number));
    }
    EXPECT_EQ(history_.wal(), wal);
  }

  History& history() { return history_; }

 private:
  unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_); }

  [[nodiscard]] bool is_held(const std::string& name) const {
    if (!running_) return false;
    auto labels = running_->chain;
    labels.push_back(running_->label);
    return std::ranges::any_of(
        labels, [&](const auto& label) { return name.starts_with(store::backup_prefix("main", label)); });
  }

  [[nodiscard]] bool needs_wal(const ExpireResult& result, const std::string& base, std::uint64_t number) const {
    if (number >= first_.at(base) || (running_ && number >= running_->first_segment)) return true;
    return std::ranges::any_of(result.kept, [&](const auto& backup) {
      const auto stop = history_.made().at(backup.label).summary.stop_lsn;
      return number >= first_.at(backup.label) && History::at_segment(number) <= stop;
    });
  }

  History history_;
  std::mt19937 random_;
  std::map<std::string, std::uint64_t> first_;
  std::optional<Running> running_;
};

TEST(ExpireOfRandomHistories, LeavesExactlyWhatKeptBackupsAndIntentsNeed) {
  const auto first_seed = std::random_device{}();
  for (unsigned i = 0; i < 25; ++i) {
    const auto seed = first_seed + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const base::TemporaryDirectory directory("/var/tmp", "lifeboat-history");
    tests::FaultyFileSystem files(directory.path());
    RandomHistory random(directory.path(), files, seed);
    random.make();
    const auto rules = random.rules();
    const auto result = random.history().expire(rules);
    random.look(result);
    EXPECT_THAT(random.history().expire(rules).removed, IsEmpty()) << "the second time";
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace backup_engine

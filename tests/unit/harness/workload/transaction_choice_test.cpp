#include "harness/workload/transaction_choice.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace harness::workload {
namespace {

const std::vector<BusinessTransaction> shop{{"shop.place_order", 60}, {"shop.pay_order", 30}, {"shop.restock", 10}};

TEST(TransactionSequence, IsTheSameForTheSameSeedAndWriter) {
  const TransactionSequence one(shop, 42, 3), other(shop, 42, 3);
  for (std::int64_t n = 1; n <= 100; ++n) {
    EXPECT_EQ(one.at(n).function, other.at(n).function);
    EXPECT_EQ(one.at(n).seed, other.at(n).seed);
  }
}

TEST(TransactionSequence, DiffersBetweenWritersSeedsAndNumbers) {
  std::set<std::int64_t> seeds;
  for (const std::uint64_t seed : {1U, 2U}) {
    for (std::uint32_t writer = 0; writer < 4; ++writer) {
      for (std::int64_t n = 1; n <= 50; ++n) seeds.insert(TransactionSequence(shop, seed, writer).at(n).seed);
    }
  }
  EXPECT_EQ(seeds.size(), 2U * 4U * 50U);
}

TEST(TransactionSequence, DrawsInProportionToTheWeights) {
  std::map<std::string, int> drawn;
  const TransactionSequence sequence(shop, 7, 0);
  for (std::int64_t n = 1; n <= 10000; ++n) ++drawn[sequence.at(n).function];
  EXPECT_NEAR(drawn["shop.place_order"], 6000, 300);
  EXPECT_NEAR(drawn["shop.pay_order"], 3000, 300);
  EXPECT_NEAR(drawn["shop.restock"], 1000, 200);
}

TEST(TransactionSequence, GivesSeedsThatFunctionsMayAddTo) {
  const TransactionSequence sequence(shop, 99, 1);
  for (std::int64_t n = 1; n <= 1000; ++n) {
    EXPECT_GE(sequence.at(n).seed, 0);
    EXPECT_LT(sequence.at(n).seed, std::int64_t{1} << 62);
  }
}

TEST(LedgerId, IsUniqueOverWritersAndNumbers) {
  std::set<std::int64_t> ids;
  for (std::uint32_t writer = 0; writer < ledger_ids_per_number; writer += 819) {
    for (std::int64_t n = 1; n <= 20; ++n) ids.insert(ledger_id(writer, n));
  }
  EXPECT_EQ(ids.size(), 6U * 20U);
  EXPECT_GT(*ids.begin(), 0);
}

}  // namespace
}  // namespace harness::workload

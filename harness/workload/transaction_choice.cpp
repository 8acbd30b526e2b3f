#include "harness/workload/transaction_choice.hpp"

#include <utility>

namespace harness::workload {

namespace {

// SplitMix64's output function (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): equal on
// every platform, which the standard library's distributions are not.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

TransactionSequence::TransactionSequence(std::vector<BusinessTransaction> transactions, std::uint64_t seed,
                                         std::uint32_t writer)
    : transactions_(std::move(transactions)), state_(mix(mix(seed) ^ writer)) {
  for (const auto& transaction : transactions_) total_weight_ += transaction.weight;
}

TransactionChoice TransactionSequence::at(std::int64_t number) const {
  const auto random = mix(state_ ^ static_cast<std::uint64_t>(number));
  auto rest = random % total_weight_;
  auto chosen = transactions_.begin();
  while (rest >= chosen->weight) {
    rest -= chosen->weight;
    ++chosen;
  }
  // Half the range of bigint: functions add small numbers to their seed.
  return {chosen->function, static_cast<std::int64_t>(mix(random) >> 2U)};
}

}  // namespace harness::workload

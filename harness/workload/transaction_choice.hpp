// Which transaction a writer runs next: a pure function of seed, writer and the transaction's number, so that a run
// can be repeated and two runs compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/workload/dataset.hpp"

namespace harness::workload {

constexpr std::int64_t ledger_ids_per_number = 4096;  // hence at most so many writers

// Unique in a drill: the writer's number is the remainder, so no two writers ever need to agree.
[[nodiscard]] constexpr std::int64_t ledger_id(std::uint32_t writer, std::int64_t number) {
  return number * ledger_ids_per_number + writer;
}

struct TransactionChoice {
  std::string function;
  std::int64_t seed = 0;  // for the function
};

class TransactionSequence {
 public:
  // `transactions` is not empty and no weight is zero.
  TransactionSequence(std::vector<BusinessTransaction> transactions, std::uint64_t seed, std::uint32_t writer);
  [[nodiscard]] TransactionChoice at(std::int64_t number) const;  // number from 1

 private:
  std::vector<BusinessTransaction> transactions_;
  std::uint64_t total_weight_ = 0;
  std::uint64_t state_;
};

}  // namespace harness::workload

#include "backup_engine/operations/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backup_engine/base/caller.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/operation_entry.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace operations {
namespace {

const std::string before_the_first(64, '0');

std::vector<std::uint32_t> numbers(store::Storage& storage, const std::string& cluster) {
  std::vector<std::uint32_t> found;
  for (const auto& object : storage.list(store::operations_prefix(cluster))) {
    if (const auto number = store::parse_operation_name(cluster, object.name)) found.push_back(*number);
  }
  return found;
}

// A text that cannot be opened any more still has a place in the chain.
std::string hash_of_entry(store::Storage& storage, const std::string& name) {
  try {
    return base::sha256_hex(store::read_document_text(storage, name));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return base::sha256_hex(storage.read_text(name));
  }
}

bool tells_the_same(store::Storage& storage, const std::string& name, const Operation& operation) {
  try {
    const auto newest = store::decode_operation(store::read_document_text(storage, name), name).operation;
    return newest.cluster == operation.cluster && newest.verb == operation.verb && newest.host == operation.host &&
           newest.exit_code == operation.exit_code && newest.outcome == operation.outcome &&
           newest.finished_at > operation.finished_at - std::chrono::hours(1);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return false;
  }
}

}  // namespace

void append(store::Storage& storage, const Operation& operation, Repeats repeats) {
  const auto clusters = store::list_clusters(storage);
  const bool known = std::find(clusters.begin(), clusters.end(), operation.cluster) != clusters.end();
  const auto log = known ? operation.cluster : std::string();
  constexpr int most_attempts = 1000;  // each means that another host came first
  for (int attempt = 0;; ++attempt) {
    const auto there = numbers(storage, log);
    const auto number = there.empty() ? 1 : there.back() + 1;
    if (repeats == Repeats::leave_out && !there.empty() &&
        tells_the_same(storage, store::operation_name(log, there.back()), operation)) {
      return;
    }
    const auto previous =
        there.empty() ? before_the_first : hash_of_entry(storage, store::operation_name(log, there.back()));
    try {
      store::put_document(storage, store::operation_name(log, number),
                          store::encode_operation({operation, number, previous}), store::Durability::now);
      return;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::already_exists || attempt == most_attempts) throw;
    }
  }
}

Log read(store::Storage& storage, const std::string& cluster) {
  Log log;
  std::uint32_t expected = 1;
  std::string previous = before_the_first;
  for (const auto number : numbers(storage, cluster)) {
    const auto name = store::operation_name(cluster, number);
    if (number != expected) {
      log.tampered.push_back({name, fmt::format("{} entries before it are missing", number - expected)});
    }
    try {
      const auto text = store::read_document_text(storage, name);
      auto entry = store::decode_operation(text, name);
      if (entry.number != number || (number == expected && entry.previous != previous)) {
        log.tampered.push_back({name, "does not follow the entry before it: one of them was changed"});
      }
      log.operations.push_back(std::move(entry.operation));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      const std::string text = error.what();  // begins with the name
      log.tampered.push_back({name, text.starts_with(name + ": ") ? text.substr(name.size() + 2) : text});
    }
    previous = hash_of_entry(storage, name);
    expected = number + 1;
  }
  return log;
}

}  // namespace operations

Operation begun_by_this_process(std::string cluster, std::string verb) {
  const auto caller = base::this_caller();
  Operation operation;
  operation.cluster = std::move(cluster);
  operation.verb = std::move(verb);
  operation.user = caller.user;
  operation.host = caller.host;
  operation.pid = caller.pid;
  operation.started_at = base::utc_now();
  return operation;
}

void record_operation(const RepositoryLocation& repository, const Operation& operation) {
  operations::append(*store::open_repository(repository), operation);
}

void record_repeating_failure(const RepositoryLocation& repository, const Operation& operation) {
  operations::append(*store::open_repository(repository), operation, operations::Repeats::leave_out);
}

OperationsLog read_operations(const RepositoryLocation& repository, const std::string& cluster) {
  auto log = operations::read(*store::open_repository(repository), cluster);
  OperationsLog result;
  result.operations = std::move(log.operations);
  for (const auto& entry : log.tampered) result.tampered.push_back(fmt::format("{}: {}", entry.object, entry.text));
  return result;
}

std::vector<SuccessRate> success_rates(const std::vector<Operation>& operations, base::UtcTime now) {
  constexpr auto recent = std::chrono::hours(30 * 24);
  std::map<std::string, SuccessRate> rates;
  for (const auto& operation : operations) {
    auto& rate = rates[operation.verb];
    const bool succeeded = operation.exit_code == 0, is_recent = operation.finished_at > now - recent;
    ++rate.all;
    rate.all_succeeded += succeeded ? 1 : 0;
    rate.recent += is_recent ? 1 : 0;
    rate.recent_succeeded += is_recent && succeeded ? 1 : 0;
  }
  std::vector<SuccessRate> result;
  for (auto& [verb, rate] : rates) {
    rate.verb = verb;
    result.push_back(std::move(rate));
  }
  return result;
}

}  // namespace backup_engine

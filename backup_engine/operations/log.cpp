#include "backup_engine/operations/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace operations {
namespace {

constexpr auto format_name = "lifeboat-operation";
const std::string before_the_first(64, '0');

std::string encode(const Operation& operation, std::uint32_t number, const std::string& previous) {
  auto document = store::new_document(format_name);
  document["number"] = number;
  document["previous"] = previous;
  document["cluster"] = operation.cluster;
  document["verb"] = operation.verb;
  document["reason"] = operation.reason;
  document["user"] = operation.user;
  document["host"] = operation.host;
  document["pid"] = operation.pid;
  document["started_at"] = base::to_rfc3339(operation.started_at);
  document["finished_at"] = base::to_rfc3339(operation.finished_at);
  document["exit_code"] = operation.exit_code;
  document["outcome"] = operation.outcome;
  // A file name in a message may be no UTF-8: what cannot be written is replaced.
  return store::seal_json(document.dump(2, ' ', false, store::Json::error_handler_t::replace));
}

base::UtcTime time_from(const store::Json& value) {
  const auto time = base::parse_rfc3339(value.get<std::string>());
  if (!time) throw std::invalid_argument("not a time");
  return *time;
}

struct Entry {
  Operation operation;
  std::uint32_t number = 0;
  std::string previous;
};

Entry decode(const std::string& text, const std::string& object) {
  return store::read_document(text, object, format_name, [](const store::Json& document) {
    Entry entry;
    entry.number = document.at("number").get<std::uint32_t>();
    entry.previous = document.at("previous").get<std::string>();
    auto& operation = entry.operation;
    operation.cluster = document.at("cluster").get<std::string>();
    operation.verb = document.at("verb").get<std::string>();
    operation.reason = document.at("reason").get<std::string>();
    operation.user = document.at("user").get<std::string>();
    operation.host = document.at("host").get<std::string>();
    operation.pid = document.at("pid").get<std::uint32_t>();
    operation.started_at = time_from(document.at("started_at"));
    operation.finished_at = time_from(document.at("finished_at"));
    operation.exit_code = document.at("exit_code").get<int>();
    operation.outcome = document.at("outcome").get<std::string>();
    return entry;
  });
}

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

}  // namespace

void append(store::Storage& storage, const Operation& operation) {
  const auto clusters = store::list_clusters(storage);
  const bool known = std::find(clusters.begin(), clusters.end(), operation.cluster) != clusters.end();
  const auto log = known ? operation.cluster : std::string();
  constexpr int most_attempts = 1000;  // each means that another host came first
  for (int attempt = 0;; ++attempt) {
    const auto there = numbers(storage, log);
    const auto number = there.empty() ? 1 : there.back() + 1;
    const auto previous =
        there.empty() ? before_the_first : hash_of_entry(storage, store::operation_name(log, there.back()));
    try {
      store::put_document(storage, store::operation_name(log, number), encode(operation, number, previous),
                          store::Durability::now);
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
      auto entry = decode(text, name);
      if (entry.number != number || (number == expected && entry.previous != previous)) {
        log.tampered.push_back({name, "does not follow the entry before it: one of them was changed"});
      }
      log.operations.push_back(std::move(entry.operation));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      log.tampered.push_back({name, error.what()});
    }
    previous = hash_of_entry(storage, name);
    expected = number + 1;
  }
  return log;
}

}  // namespace operations

void record_operation(const RepositoryLocation& repository, const Operation& operation) {
  operations::append(*store::open_repository(repository), operation);
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

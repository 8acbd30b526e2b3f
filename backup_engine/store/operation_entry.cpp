#include "backup_engine/store/operation_entry.hpp"

#include <stdexcept>

#include "backup_engine/store/json_document.hpp"

namespace backup_engine::store {

namespace {

constexpr auto format_name = "lifeboat-operation";

base::UtcTime time_from(const Json& value) {
  const auto time = base::parse_rfc3339(value.get<std::string>());
  if (!time) throw std::invalid_argument("not a time");
  return *time;
}

}  // namespace

std::string encode_operation(const OperationEntry& entry) {
  const auto& operation = entry.operation;
  auto document = new_document(format_name);
  document["number"] = entry.number;
  document["previous"] = entry.previous;
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
  return seal_json(document.dump(2, ' ', false, Json::error_handler_t::replace));
}

OperationEntry decode_operation(const std::string& text, const std::string& object) {
  return read_document(text, object, format_name, [](const Json& document) {
    OperationEntry entry;
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

}  // namespace backup_engine::store

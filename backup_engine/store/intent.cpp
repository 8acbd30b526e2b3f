#include "backup_engine/store/intent.hpp"

#include <fmt/format.h>

#include "backup_engine/base/caller.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr auto format_name = "lifeboat-intent";

std::string encode(const Intent& intent) {
  auto document = new_document(format_name);
  document["label"] = intent.label;
  document["chain"] = intent.chain;
  document["user"] = intent.user;
  document["host"] = intent.host;
  document["pid"] = intent.pid;
  document["since"] = base::to_rfc3339(intent.since);
  document["timeline"] = intent.timeline.number();
  document["start_lsn"] = postgres::to_string(intent.start_lsn);
  return to_sealed_text(document);
}

Intent decode(const std::string& text, const std::string& object) {
  return read_document(text, object, format_name, [&](const Json& document) {
    Intent intent;
    intent.label = document.at("label").get<std::string>();
    intent.chain = document.at("chain").get<std::vector<std::string>>();
    intent.user = document.at("user").get<std::string>();
    intent.host = document.at("host").get<std::string>();
    intent.pid = document.at("pid").get<std::uint32_t>();
    const auto since = base::parse_rfc3339(document.at("since").get<std::string>());
    const auto start_lsn = postgres::parse_lsn(document.at("start_lsn").get<std::string>());
    if (!since || !start_lsn) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: since or start_lsn is not readable", object));
    }
    intent.since = *since;
    intent.timeline = postgres::TimelineId(document.at("timeline").get<std::uint32_t>());
    intent.start_lsn = *start_lsn;
    return intent;
  });
}

std::string withdrawn_remedy() {
  return "nothing else is harmed; take the backup again";
}

void remove_durably(Storage& storage, const std::string& name) {
  storage.remove(name);
  storage.sync();
}

// Not another's under the same label. What cannot be removed stays: expire keeps what it names and says who holds it.
void remove_own_intent(Storage& storage, const std::string& cluster, const Intent& intent) noexcept {
  try {
    require_intent(storage, cluster, intent);
    remove_intent(storage, cluster, intent.label);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace

Intent make_intent(std::string label, std::vector<std::string> chain, postgres::TimelineId timeline,
                   postgres::Lsn start_lsn) {
  const auto caller = base::this_caller();
  return {std::move(label), std::move(chain), caller.user, caller.host,
          caller.pid,       base::utc_now(),  timeline,    start_lsn};
}

std::string to_string(const Intent& intent) {
  return fmt::format("{}, taken by {} on {} (process {}) since {}", intent.label, intent.user, intent.host, intent.pid,
                     base::to_rfc3339(intent.since));
}

void put_intent(Storage& storage, const std::string& cluster, const Intent& intent) {
  try {
    put_document(storage, intent_name(cluster, intent.label), encode(intent), Durability::now);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::already_exists) {
      remove_own_intent(storage, cluster, intent);  // it may be visible all the same
      throw;
    }
    const auto other = find_intent(storage, cluster, intent.label);
    throw Error(ErrorKind::already_exists, fmt::format("a backup of this label is being taken already: {}",
                                                       other ? to_string(*other) : intent.label))
        .with_remedy("take it again; see what is being taken with: lifeboat list --repo LOCATION");
  }
  if (intent.chain.empty() || storage.size(manifest_name(cluster, intent.chain.back()))) return;
  remove_intent(storage, cluster, intent.label);
  throw Error(ErrorKind::not_found, fmt::format("{}, which the backup rests on, expired just now", intent.chain.back()))
      .with_remedy("take it again: it will rest on what there is");
}

std::optional<Intent> find_intent(Storage& storage, const std::string& cluster, const std::string& label) {
  const auto name = intent_name(cluster, label);
  try {
    return decode(read_document_text(storage, name), name);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return std::nullopt;
  }
}

std::vector<Intent> list_intents(Storage& storage, const std::string& cluster) {
  std::vector<Intent> intents;
  for (const auto& object : storage.list(intents_prefix(cluster))) {
    const auto label = parse_intent_name(cluster, object.name);
    if (!label) continue;
    if (auto intent = find_intent(storage, cluster, *label)) intents.push_back(std::move(*intent));
  }
  return intents;
}

void remove_intent(Storage& storage, const std::string& cluster, const std::string& label) {
  try {
    remove_durably(storage, intent_name(cluster, label));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

void revoke_intent(Storage& storage, const std::string& cluster, const std::string& label) {
  const auto name = intent_name(cluster, label);
  if (!storage.size(name)) {
    throw Error(ErrorKind::not_found, fmt::format("no backup {} of cluster '{}' is being taken", label, cluster))
        .with_remedy("see those that are, and who takes them, with: lifeboat list --repo LOCATION");
  }
  remove_intent(storage, cluster, label);
}

void require_intent(Storage& storage, const std::string& cluster, const Intent& intent) {
  const auto there = find_intent(storage, cluster, intent.label);
  if (there && there->host == intent.host && there->pid == intent.pid && there->since == intent.since) return;
  throw Error(ErrorKind::process,
              fmt::format("the intent of {} was revoked while it was being taken: it is not published", intent.label))
      .with_remedy(withdrawn_remedy());
}

HeldIntent::HeldIntent(Storage& storage, std::string cluster, Intent intent)
    : storage_(storage), cluster_(std::move(cluster)), intent_(std::move(intent)) {
  put_intent(storage_, cluster_, intent_);
}

HeldIntent::~HeldIntent() {
  remove_own_intent(storage_, cluster_, intent_);
}

void HeldIntent::throw_if_revoked() const {
  try {
    require();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::process) throw;
  }
}

void HeldIntent::confirm_published() const {
  try {
    require();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::process) throw;
    remove_durably(storage_, manifest_name(cluster_, intent_.label));
    throw;
  }
}

}  // namespace backup_engine::store

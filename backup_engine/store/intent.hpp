// A backup's word that it is being taken: published before its first block and removed after its manifest, it names the
// chain whose packs and the WAL from which the backup will need, so that nothing of that expires meanwhile. It holds
// until its backup removes it or an operator revokes it; a backup whose intent was revoked is not published. Defined in
// docs/formats/intent.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

struct Intent {
  std::string label;               // of the backup being taken
  std::vector<std::string> chain;  // labels from the full to the parent; empty for a full
  std::string user, host;
  std::uint32_t pid = 0;
  base::UtcTime since;
  postgres::TimelineId timeline;  // where its WAL begins
  postgres::Lsn start_lsn;
};

// This process's intent, as of now.
[[nodiscard]] Intent make_intent(std::string label, std::vector<std::string> chain, postgres::TimelineId timeline,
                                 postgres::Lsn start_lsn);

// "20261120T021500Z-incr, taken by root on db1 (process 4711) since 2026-11-20T02:15:00.000000Z"
[[nodiscard]] std::string to_string(const Intent& intent);

// Durable and seen by every host when it returns. Throws Error(already_exists): another host takes a backup of this
// label. Then, what the chain's newest member is must still be there: Error(not_found), the intent removed again.
void put_intent(Storage& storage, const std::string& cluster, const Intent& intent);

[[nodiscard]] std::optional<Intent> find_intent(Storage& storage, const std::string& cluster, const std::string& label);
// In order of label. Throws Error(corrupt), naming the object, when one cannot be read: what it holds is not known.
[[nodiscard]] std::vector<Intent> list_intents(Storage& storage, const std::string& cluster);

// Durable when it returns. One that is gone already is fine.
void remove_intent(Storage& storage, const std::string& cluster, const std::string& label);
// As remove_intent, by an operator and so also of one that cannot be read. Error(not_found) when there is none.
void revoke_intent(Storage& storage, const std::string& cluster, const std::string& label);

// Throws Error(process), a kind of no storage, when the intent is no longer there, or is another's under the same
// label.
void require_intent(Storage& storage, const std::string& cluster, const Intent& intent);

// An intent that was put, and removed when this goes: the way a backup holds what it needs.
class HeldIntent {
 public:
  HeldIntent(Storage& storage, std::string cluster, Intent intent);  // as put_intent
  ~HeldIntent();                                                     // what cannot be removed stays, to be revoked
  HeldIntent(const HeldIntent&) = delete;
  HeldIntent& operator=(const HeldIntent&) = delete;

  void require() const { require_intent(storage_, cluster_, intent_); }
  // As require, but only when it is known to be gone.
  void throw_if_revoked() const;
  // Call it when the manifest is visible. An intent that went away just before (the host slept between the last look
  // and the manifest) may have let expire remove what the manifest names: the manifest is withdrawn and
  // Error(process) says so. An intent that is still there was there all the time, and whoever expires later sees the
  // manifest.
  void confirm_published() const;

 private:
  Storage& storage_;
  const std::string cluster_;
  const Intent intent_;
};

}  // namespace backup_engine::store

#include "backup_engine/verify/verified_packs.hpp"

namespace backup_engine::verify {

bool VerifiedPacks::is_sound(const std::string& name, const store::ObjectDigest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto pack = packs_.find(name);
  return pack != packs_.end() && pack->second.digest == digest && pack->second.sound;
}

void VerifiedPacks::add(const std::string& name, const store::ObjectDigest& digest, bool sound) {
  const std::lock_guard lock(mutex_);
  const auto [pack, is_new] = packs_.try_emplace(name, Pack{digest, sound});
  if (is_new) return;
  const bool was_sound = pack->second.digest != digest || pack->second.sound;
  pack->second = {digest, sound && was_sound};
}

}  // namespace backup_engine::verify

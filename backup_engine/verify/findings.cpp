#include "backup_engine/verify/findings.hpp"

#include <algorithm>

namespace backup_engine::verify {

using base::ErrorKind;

std::string text_about(const std::string& object, const base::Error& error) {
  const std::string text = error.what();
  const auto prefix = object + ": ";
  if (error.kind() == ErrorKind::not_found) return "missing";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

void Findings::add_damage(const std::string& object, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const bool known = std::any_of(result_.damage.begin(), result_.damage.end(),
                                 [&](const auto& damage) { return damage.object == object && damage.text == text; });
  if (!known) result_.damage.push_back({object, text});
}

void Findings::count_object(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ++result_.objects;
  result_.bytes += bytes;
  progress_.advance(bytes);
}

void Findings::count_blocks(std::uint64_t blocks) {
  const std::lock_guard lock(mutex_);
  result_.blocks += blocks;
}

void Findings::count_wal_segment() {
  const std::lock_guard lock(mutex_);
  ++result_.wal_segments;
}

bool Findings::examine(const std::string& object, const std::function<void()>& check) {
  try {
    check();
    return true;
  } catch (const base::Error& error) {
    const auto kind = error.kind();
    const bool is_damage = kind == ErrorKind::corrupt || kind == ErrorKind::not_found ||
                           kind == ErrorKind::unsupported || kind == ErrorKind::mismatch || kind == ErrorKind::io;
    if (!is_damage) throw;
    add_damage(object, text_about(object, error));
    return false;
  }
}

std::string Findings::damage_of(const std::string& object) const {
  const std::lock_guard lock(mutex_);
  for (const auto& damage : result_.damage) {
    if (damage.object == object) return damage.text;
  }
  return {};
}

bool Findings::has_damage_below(const std::string& prefix) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(result_.damage.begin(), result_.damage.end(),
                     [&](const auto& damage) { return damage.object.starts_with(prefix); });
}

void Findings::forget(const std::string& object) {
  const std::lock_guard lock(mutex_);
  std::erase_if(result_.damage, [&](const auto& damage) { return damage.object == object; });
}

VerifyResult Findings::take() {
  const std::lock_guard lock(mutex_);
  std::stable_sort(result_.damage.begin(), result_.damage.end(),
                   [](const auto& a, const auto& b) { return a.object < b.object; });
  return std::move(result_);
}

}  // namespace backup_engine::verify

#include "backup_engine/store/leaf_cache.hpp"

namespace backup_engine::store {

LeafCache::Leaf LeafCache::get(const Key& key, const std::function<std::vector<std::byte>()>& open) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(key); found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
  }
  auto leaf = std::make_shared<const std::vector<std::byte>>(open());
  const std::lock_guard lock(mutex_);
  if (const auto found = places_.find(key); found != places_.end()) return found->second->second;
  if (order_.size() >= most_leaves_) {
    places_.erase(order_.back().first);
    order_.pop_back();
  }
  order_.emplace_front(key, leaf);
  places_[key] = order_.begin();
  return leaf;
}

}  // namespace backup_engine::store

// The leaves of encrypted indexes that were opened last: memory stays bounded whatever the size of the index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

namespace backup_engine::store {

// Thread-safe.
class LeafCache {
 public:
  using Leaf = std::shared_ptr<const std::vector<std::byte>>;
  // Which object, and which slot in it.
  using Key = std::tuple<const void*, std::uint64_t>;

  explicit LeafCache(std::size_t most_leaves) : most_leaves_(most_leaves) {}
  // The leaf; made by `open` when it is not there. Threads that miss the same leaf at the same time each open it.
  [[nodiscard]] Leaf get(const Key& key, const std::function<std::vector<std::byte>()>& open);

 private:
  using Entry = std::pair<Key, Leaf>;
  std::size_t most_leaves_;
  std::mutex mutex_;
  std::list<Entry> order_;  // the one used last stands first
  std::map<Key, std::list<Entry>::iterator> places_;
};

}  // namespace backup_engine::store

// A repository into which somebody else writes: what they do happens once, directly before the next listing, or before
// an object is opened that was listed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::wal {

class SharedStorage final : public store::Storage {
 public:
  explicit SharedStorage(store::Storage& real) : real_(real) {}  // outlives this
  // `prefix`: only of that; empty: of any.
  void before_list(std::function<void()> meanwhile, std::string prefix = {}) {
    before_list_ = std::move(meanwhile);
    prefix_ = std::move(prefix);
  }
  // The next one that is there.
  void before_open(std::function<void()> meanwhile) { before_open_ = std::move(meanwhile); }

  [[nodiscard]] std::unique_ptr<store::PutStream> begin_put(const std::string& name) override {
    return real_.begin_put(name);
  }
  [[nodiscard]] std::unique_ptr<store::StoredObject> open(const std::string& name) override {
    if (before_open_ && real_.size(name)) std::exchange(before_open_, {})();
    return real_.open(name);
  }
  [[nodiscard]] std::optional<std::uint64_t> size(const std::string& name) override { return real_.size(name); }
  [[nodiscard]] std::vector<store::ListedObject> list(const std::string& prefix) override {
    if (before_list_ && (prefix_.empty() || prefix == prefix_)) std::exchange(before_list_, {})();
    return real_.list(prefix);
  }
  [[nodiscard]] std::vector<std::string> list_debris(const std::string& prefix) override {
    return real_.list_debris(prefix);
  }
  void remove(const std::string& name) override { real_.remove(name); }
  void sync() override { real_.sync(); }
  void make_durable(const std::string& folder) override { real_.make_durable(folder); }
  [[nodiscard]] std::string location() const override { return real_.location(); }

 private:
  store::Storage& real_;
  std::function<void()> before_list_, before_open_;
  std::string prefix_;
};

}  // namespace backup_engine::wal

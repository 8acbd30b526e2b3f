// Where a repository's bytes lie: objects under '/'-separated names, put whole and never overwritten. A small
// interface, so that a directory (posix_storage.hpp) and S3 can both stand behind it and nothing above knows which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backup_engine/base/utc_time.hpp"

namespace backup_engine::store {

enum class Durability {
  now,      // visible and durable when commit returns
  on_sync,  // visible and durable only when Storage::sync returns: one wait for many objects
};

// An object being put. Dropped without commit it leaves nothing visible.
class PutStream {
 public:
  virtual ~PutStream() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;  // written so far
  // Once. Throws Error(already_exists) when the name is taken, and then the old object stays as it was.
  virtual void commit(Durability durability) = 0;
};

// An object open for reading. Thread-safe.
class StoredObject {
 public:
  virtual ~StoredObject() = default;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // Returns the bytes read: fewer than asked only where the object ends.
  [[nodiscard]] virtual std::size_t read_at(std::uint64_t offset_bytes, std::span<std::byte> buffer) const = 0;
  // The whole object in memory, where the driver can map it; empty otherwise. Valid as long as this object.
  [[nodiscard]] virtual std::span<const std::byte> mapping() { return {}; }
};

struct ListedObject {
  std::string name;
  std::uint64_t size_bytes = 0;
};

class Keyring;

// All throw Error. Thread-safe.
class Storage {
 public:
  virtual ~Storage() = default;
  // Error(already_exists) comes at commit at the latest, possibly already here.
  [[nodiscard]] virtual std::unique_ptr<PutStream> begin_put(const std::string& name) = 0;
  [[nodiscard]] virtual std::unique_ptr<StoredObject> open(const std::string& name) = 0;  // Error(not_found)
  [[nodiscard]] virtual std::optional<std::uint64_t> size(const std::string& name) = 0;   // nullopt: not there
  // Every object whose name starts with `prefix` (empty, or ending in '/'), in order of name. What an interrupted
  // put left behind is not an object and not listed. While others put and remove, an object is listed, or the one that
  // was put in its place before it was removed; and WAL, which is put in order of name, shows no hole that it never
  // had.
  [[nodiscard]] virtual std::vector<ListedObject> list(const std::string& prefix) = 0;
  // What interrupted puts left below `prefix`; may include puts that are still going on elsewhere.
  [[nodiscard]] virtual std::vector<std::string> list_debris(const std::string& prefix) = 0;
  virtual void remove(const std::string& name) = 0;  // durable at the next sync; Error(not_found)
  // When an object or a piece of debris was last written, by the storage's clock; nullopt: not there, or not known.
  [[nodiscard]] virtual std::optional<base::UtcTime> changed_at(const std::string& /*name*/) { return std::nullopt; }
  // Where folders are things of their own: those directly below `prefix`, each ending in '/', in order of name, whether
  // or not anything lies in them.
  [[nodiscard]] virtual std::vector<std::string> list_folders(const std::string& /*prefix*/) { return {}; }
  // Where folders are things of their own: removes those at and below `prefix` that nothing lies in. For a prefix that
  // nobody puts under any more.
  virtual void remove_empty_folders(const std::string& /*prefix*/) {}
  // Makes everything committed with on_sync visible and durable, and every removal durable.
  virtual void sync() = 0;
  // Makes every object directly in `folder` (ending in '/') durable, whoever put it: for one who found an object that
  // its writer may have left visible and not yet durable, and is about to rely on it.
  virtual void make_durable(const std::string& folder) = 0;
  // Where the repository is, for messages.
  [[nodiscard]] virtual std::string location() const = 0;

  [[nodiscard]] std::vector<std::byte> read(const std::string& name);  // the whole object
  [[nodiscard]] std::string read_text(const std::string& name);
  // Exactly `size_bytes` bytes; Error(corrupt) naming the object when it ends before.
  [[nodiscard]] std::vector<std::byte> read_range(const std::string& name, std::uint64_t offset_bytes,
                                                  std::size_t size_bytes);
  void put(const std::string& name, std::span<const std::byte> bytes, Durability durability);
  void put(const std::string& name, std::string_view text, Durability durability);

  // What the objects are encrypted with, which whoever makes or reads one asks for; the storage itself moves bytes
  // only. Null for a repository in the clear. Set once, by open_repository, before anything else uses the storage.
  [[nodiscard]] const std::shared_ptr<const Keyring>& keys() const { return keys_; }
  void set_keys(std::shared_ptr<const Keyring> keys) { keys_ = std::move(keys); }

 private:
  std::shared_ptr<const Keyring> keys_;
};

}  // namespace backup_engine::store

#include "tests/fault/faulty_file_system.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;
using base::Error;
using base::ErrorKind;

std::string to_string(Fault fault) {
  switch (fault) {
    case Fault::fail:
      return "fail";
    case Fault::short_write:
      return "short write";
    case Fault::no_space:
      return "no space";
    case Fault::killed:
      return "killed";
    case Fault::power_loss:
      return "power loss";
    case Fault::power_loss_keeping_names:
      return "power loss keeping names";
    case Fault::lost_write_back:
      return "lost write-back";
  }
  return "?";
}

// A file, directory or link as it is, and what of it would survive. A file's present contents are in the real file.
struct FaultyFileSystem::Node {
  enum class Kind { file, directory, link } kind = Kind::file;
  mode_t mode = 0600;
  std::string durable_bytes;                    // file
  bool lost = false;                            // file: its bytes went in writing back, and stay in the page cache
  fs::path target;                              // link
  std::map<std::string, NodePtr> now, durable;  // directory
};

class FaultyFileSystem::File final : public base::WritableFile {
 public:
  File(FaultyFileSystem& owner, std::unique_ptr<base::WritableFile> real, NodePtr node, fs::path path)
      : owner_(owner), real_(std::move(real)), node_(std::move(node)), path_(std::move(path)) {}

  void write_at(std::uint64_t offset_bytes, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.write(*real_, path_, offset_bytes, bytes);
  }
  void resize(std::uint64_t size_bytes) override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.begin_operation("resize", path_, Need::space);
    real_->resize(size_bytes);
  }
  void sync() override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.begin_operation("sync", path_, Need::nothing);
    if (!node_) return;
    if (node_->lost) throw Error(ErrorKind::io, fmt::format("simulated: cannot sync {}: lost", path_.string()));
    node_->durable_bytes = contents();
  }
  void close() override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.begin_operation("close", path_, Need::nothing);
    real_->close();
  }

 private:
  [[nodiscard]] std::string contents() const {
    std::string text(static_cast<std::size_t>(fs::file_size(fmt::format("/proc/self/fd/{}", reader_.get()))), '\0');
    text.resize(base::read_at(reader_.get(), std::as_writable_bytes(std::span(text)), 0, path_));
    return text;
  }

  FaultyFileSystem& owner_;
  std::unique_ptr<base::WritableFile> real_;
  NodePtr node_;
  fs::path path_;
  base::UniqueFd reader_ = base::open_for_reading(path_);  // follows the file when it is renamed
};

class FaultyFileSystem::Held final : public base::HeldFileSystem {
 public:
  Held(FaultyFileSystem& owner, fs::path path) : owner_(owner), path_(std::move(path)), losses_(owner.losses_) {}

  void sync() override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.begin_operation("sync the file system of", path_, Need::nothing);
    owner_.sync_tree(*owner_.tree_, owner_.root_);
    if (owner_.losses_ == losses_) return;
    losses_ = owner_.losses_;
    throw Error(ErrorKind::io, fmt::format("simulated: cannot sync the file system of {}: lost", path_.string()));
  }

 private:
  FaultyFileSystem& owner_;
  fs::path path_;
  std::uint64_t losses_;
};

FaultyFileSystem::FaultyFileSystem(fs::path root) : root_(std::move(root)), tree_(std::make_shared<Node>()) {
  tree_->kind = Node::Kind::directory;
  scan(*tree_, root_);
}

FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::scan(Node& node, const fs::path& path) {
  for (const auto& entry : fs::directory_iterator(path)) {
    auto child = std::make_shared<Node>();
    child->mode = static_cast<mode_t>(entry.symlink_status().permissions());
    if (entry.is_symlink()) {
      child->kind = Node::Kind::link;
      child->target = fs::read_symlink(entry.path());
    } else if (entry.is_directory()) {
      child->kind = Node::Kind::directory;
      scan(*child, entry.path());
    } else {
      child->durable_bytes = base::read_file(entry.path());
    }
    node.now[entry.path().filename().string()] = child;
  }
  node.durable = node.now;
}

void FaultyFileSystem::strike_at(std::uint64_t operation, Fault fault) {
  const std::lock_guard lock(mutex_);
  strike_at_ = operation;
  fault_ = fault;
}

void FaultyFileSystem::sleep_at(std::uint64_t operation, std::function<void()> meanwhile) {
  const std::lock_guard lock(mutex_);
  sleep_at_ = operation;
  meanwhile_ = std::move(meanwhile);
}

std::uint64_t FaultyFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

bool FaultyFileSystem::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

void FaultyFileSystem::lose_power(Fault fault) {
  const std::lock_guard lock(mutex_);
  struck_ = dead_ = true;
  drop_what_is_not_durable(fault == Fault::power_loss_keeping_names);
}

void FaultyFileSystem::begin_operation(const std::string& what, const fs::path& path, Need need) {
  if (dead_)
    throw Error(ErrorKind::io, fmt::format("simulated: cannot {} {}: the machine is off", what, path.string()));
  ++operations_;
  if (operations_ == sleep_at_) meanwhile_();
  if (operations_ == strike_at_) {
    struck_ = true;
    if (fault_ == Fault::lost_write_back) {
      ++losses_;
      lose_unsynced_writes(*tree_, root_);
      return;
    }
    full_ = fault_ == Fault::no_space;
    dead_ = fault_ == Fault::killed || fault_ == Fault::power_loss || fault_ == Fault::power_loss_keeping_names;
    if (fault_ == Fault::power_loss || fault_ == Fault::power_loss_keeping_names) {
      drop_what_is_not_durable(fault_ == Fault::power_loss_keeping_names);
    }
    if (full_ && need == Need::nothing) return;  // a full disk fails only what needs space
    throw Error(full_ ? ErrorKind::no_space : ErrorKind::io,
                fmt::format("simulated: cannot {} {}: {}", what, path.string(), to_string(fault_)));
  }
  if (full_ && need == Need::space) {
    throw Error(ErrorKind::no_space, fmt::format("simulated: cannot {} {}: no space", what, path.string()));
  }
}

void FaultyFileSystem::write(base::WritableFile& file, const fs::path& path, std::uint64_t offset_bytes,
                             std::span<const std::byte> bytes) {
  const bool strikes_now = operations_ + 1 == strike_at_ && !dead_;
  if (strikes_now && (fault_ == Fault::short_write || fault_ == Fault::no_space)) {
    file.write_at(offset_bytes, bytes.first(bytes.size() / 2));
  }
  begin_operation("write", path, Need::space);
  file.write_at(offset_bytes, bytes);
}

FaultyFileSystem::NodePtr FaultyFileSystem::find(const fs::path& path) const {
  const auto relative = fs::absolute(path).lexically_normal().lexically_relative(root_.lexically_normal());
  if (relative.empty() || *relative.begin() == "..") return nullptr;
  auto node = tree_;
  for (const auto& part : relative) {
    if (part == "." || part.empty()) continue;
    const auto child = node->now.find(part.string());
    if (child == node->now.end()) return nullptr;
    node = child->second;
  }
  return node;
}

FaultyFileSystem::NodePtr FaultyFileSystem::parent_of(const fs::path& path) const {
  return find(path.parent_path());
}

std::unique_ptr<base::WritableFile> FaultyFileSystem::create(const fs::path& path, mode_t mode) {
  const std::lock_guard lock(mutex_);
  begin_operation("create", path, Need::space);
  auto real = base::posix_file_system().create(path, mode);
  NodePtr node;
  if (const auto parent = parent_of(path)) {
    node = parent->now[path.filename().string()] = std::make_shared<Node>();
    node->mode = mode;
  }
  return std::make_unique<File>(*this, std::move(real), node, path);
}

std::unique_ptr<base::WritableFile> FaultyFileSystem::open(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  begin_operation("open", path, Need::nothing);
  return std::make_unique<File>(*this, base::posix_file_system().open(path), find(path), path);
}

void FaultyFileSystem::move_entry(const fs::path& from, const fs::path& to) {
  const auto node = find(from);
  const auto old_parent = parent_of(from), new_parent = parent_of(to);
  if (old_parent) old_parent->now.erase(from.filename().string());
  if (new_parent && node) new_parent->now[to.filename().string()] = node;
  if (old_parent && new_parent && old_parent != new_parent && node && node->kind == Node::Kind::directory) {
    moves_.push_back({old_parent, from.filename().string(), new_parent, to.filename().string(), node});
  }
}

// A directory has one name at any time: its rename is one step of the file system's journal, which the sync of either
// side writes, with all steps before it. (A file may be found under both names, or under none.)
void FaultyFileSystem::settle_moves_of(const NodePtr& directory) {
  const auto last = std::find_if(moves_.rbegin(), moves_.rend(),
                                 [&](const Move& move) { return move.from == directory || move.to == directory; });
  for (auto move = moves_.begin(); move != last.base(); ++move) {
    const auto held = move->from->durable.find(move->from_name);
    if (held != move->from->durable.end() && held->second == move->moved) move->from->durable.erase(held);
    move->to->durable[move->to_name] = move->moved;
  }
  moves_.erase(moves_.begin(), last.base());
  directory->durable = directory->now;
}

void FaultyFileSystem::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  begin_operation("rename", to, Need::nothing);
  base::posix_file_system().rename(from, to);
  move_entry(from, to);
}

void FaultyFileSystem::rename_if_absent(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  begin_operation("put in place", to, Need::nothing);
  base::posix_file_system().rename_if_absent(from, to);
  move_entry(from, to);
}

void FaultyFileSystem::remove(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  begin_operation("remove", path, Need::nothing);
  base::posix_file_system().remove(path);
  if (const auto parent = parent_of(path)) parent->now.erase(path.filename().string());
}

void FaultyFileSystem::create_directory(const fs::path& path, mode_t mode) {
  const std::lock_guard lock(mutex_);
  begin_operation("create the directory", path, Need::space);
  base::posix_file_system().create_directory(path, mode);
  if (const auto parent = parent_of(path)) {
    const auto node = parent->now[path.filename().string()] = std::make_shared<Node>();
    node->kind = Node::Kind::directory;
    node->mode = mode;
  }
}

void FaultyFileSystem::create_symlink(const fs::path& target, const fs::path& link) {
  const std::lock_guard lock(mutex_);
  begin_operation("create the link", link, Need::space);
  base::posix_file_system().create_symlink(target, link);
  if (const auto parent = parent_of(link)) {
    const auto node = parent->now[link.filename().string()] = std::make_shared<Node>();
    node->kind = Node::Kind::link;
    node->target = target;
  }
}

void FaultyFileSystem::set_owner(const fs::path& path, uid_t user, gid_t group) {
  const std::lock_guard lock(mutex_);
  begin_operation("change the owner of", path, Need::nothing);
  base::posix_file_system().set_owner(path, user, group);
}

void FaultyFileSystem::set_mode(const fs::path& path, mode_t mode) {
  const std::lock_guard lock(mutex_);
  begin_operation("change the mode of", path, Need::nothing);
  base::posix_file_system().set_mode(path, mode);
  if (const auto node = find(path)) node->mode = mode;
}

void FaultyFileSystem::sync_directory(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  begin_operation("sync the directory", path, Need::nothing);
  if (!fs::is_directory(path)) throw base::system_error(ENOENT, "open the directory", path.string());
  if (const auto node = find(path)) settle_moves_of(node);
}

std::unique_ptr<base::HeldFileSystem> FaultyFileSystem::hold(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  begin_operation("hold the file system of", path, Need::nothing);
  return std::make_unique<Held>(*this, path);
}

void FaultyFileSystem::lose_unsynced_writes(Node& node, const fs::path& path) {
  if (node.kind == Node::Kind::file) node.lost = node.lost || node.durable_bytes != base::read_file(path);
  for (const auto& [name, child] : node.now) lose_unsynced_writes(*child, path / name);
}

void FaultyFileSystem::sync_tree(Node& node, const fs::path& path) {
  if (node.kind == Node::Kind::file && !node.lost) node.durable_bytes = base::read_file(path);
  for (const auto& [name, child] : node.now) sync_tree(*child, path / name);
  node.durable = node.now;
  if (&node == tree_.get()) moves_.clear();
}

void FaultyFileSystem::drop_what_is_not_durable(bool keep_names) {
  for (const auto& entry : fs::directory_iterator(root_)) fs::remove_all(entry.path());
  write_out(*tree_, root_, keep_names);
}

void FaultyFileSystem::write_out(const Node& node, const fs::path& path, bool keep_names) const {
  for (const auto& [name, child] : keep_names ? node.now : node.durable) {
    const auto child_path = path / name;
    switch (child->kind) {
      case Node::Kind::file:
        std::ofstream(child_path, std::ios::binary) << child->durable_bytes;
        break;
      case Node::Kind::directory:
        fs::create_directory(child_path);
        write_out(*child, child_path, keep_names);
        break;
      case Node::Kind::link:
        fs::create_symlink(child->target, child_path);
        continue;
    }
    fs::permissions(child_path, static_cast<fs::perms>(child->mode));
  }
}

}  // namespace tests

#include "tests/fault/backup_trial.hpp"

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/restore/restore_directory.hpp"
#include "backup_engine/retention/expire.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::IsEmpty;

fs::path fault_directory() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : "/var/tmp";
}

namespace {

// Made once for each state.
ServedDirectory& served(unsigned state) {
  static const base::TemporaryDirectory parent(fault_directory(), "lifeboat-served");
  static std::map<unsigned, ServedDirectory> directories;
  const auto known = directories.find(state);
  if (known != directories.end()) return known->second;
  ServedDirectory made(parent.path() / std::to_string(state), cluster_files(state));
  return directories.emplace(state, std::move(made)).first->second;
}

}  // namespace

backup_engine::RetentionRules keep_all() {
  backup_engine::RetentionRules rules;
  rules.keep_full = 100;
  return rules;
}

std::string take(const fs::path& directory, base::FileSystem& files, BackupType type, unsigned state) {
  backup_engine::BackupRequest request;
  request.repository.text = (directory / "repository").string();
  request.cluster = "main";
  request.type = type;
  base::NoProgress progress;
  return backup_engine::backup::take_backup(served(state), request, files, progress).summary.label;
}

Published make_chain(const fs::path& directory) {
  FaultyFileSystem files(directory);
  const backup_engine::RepositoryLocation location{(directory / "repository").string()};
  store::init_repository(location, files);
  const auto storage = store::open_repository(location, files);
  store::open_or_create_cluster(*storage, "main", some_cluster());
  put_wal(*storage, "main");
  Published published;
  published[take(directory, files, BackupType::full, 0)] = cluster_files(0);
  published[take(directory, files, BackupType::incremental, 1)] = cluster_files(1);
  return published;
}

Aftermath::Aftermath(const fs::path& directory)
    : directory_(directory),
      files_(directory),
      storage_(store::open_repository({(directory / "repository").string()}, files_)) {}

std::set<std::string> Aftermath::labels() {
  const auto labels = store::list_backup_labels(*storage_, "main");
  return {labels.begin(), labels.end()};
}

std::vector<store::Intent> Aftermath::intents() {
  return store::list_intents(*storage_, "main");
}

std::set<std::string> Aftermath::needed() {
  std::set<std::string> names;
  for (const auto& label : labels()) {
    const auto manifest = store::read_manifest(*storage_, "main", label);
    names.insert({store::manifest_name("main", label), store::file_table_name("main", label),
                  store::block_root_name("main", label)});
    for (const auto& pack : store::used_packs(manifest)) {
      names.insert(store::pack_name("main", pack.backup_label, pack.number));
    }
    for (const auto& owner : manifest.index_backups) {
      names.insert({store::block_index_name("main", owner), store::block_hashes_name("main", owner)});
    }
    // Its own packs, even when all that lay in them is zeros.
    for (const auto& object : storage_->list(store::backup_prefix("main", label))) names.insert(object.name);
  }
  return names;
}

// Told from the files themselves.
std::set<std::string> Aftermath::debris() {
  const auto keep = needed();
  std::set<std::string> found;
  const auto root = directory_ / "repository";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().lexically_relative(root).generic_string();
    const bool is_backups = name.starts_with(store::backups_prefix("main")) && !keep.contains(name);
    if (is_backups || entry.path().filename().string().starts_with(".put-")) found.insert(name);
  }
  return found;
}

void Aftermath::expect_verify_tells_the_truth(const std::set<std::string>& known) {
  base::NoProgress progress;
  const auto result = backup_engine::verify_repository({{storage_->location()}, {}, {}, 1}, progress);
  for (const auto& damage : result.damage) {
    EXPECT_TRUE(known.contains(damage.object)) << damage.object << ": " << damage.text;
  }
  std::set<std::string> restorable;
  for (const auto& backup : result.backups) {
    EXPECT_TRUE(backup.restorable) << backup.reason;
    restorable.insert(backup.label);
  }
  EXPECT_EQ(restorable, labels());
  EXPECT_EQ(std::set<std::string>(result.debris.begin(), result.debris.end()), debris());
}

void Aftermath::expect_restores(const std::string& label, const Contents& files) {
  const base::TemporaryDirectory to(fault_directory(), "lifeboat-restored");
  FaultyFileSystem target(to.path());
  auto request = backup_engine::restore::request_for(directory_ / "repository", to.path() / "data");
  request.backup_label = label;
  request.target.kind = backup_engine::TargetKind::immediate;
  request.jobs = 1;
  base::NoProgress progress;
  const auto restored = backup_engine::restore::restore_backup(request, target, progress, {});
  EXPECT_EQ(restored.file_count, files.size() + 4)
      << "and backup_label, backup_manifest, postgresql.auto.conf, recovery.signal";
  for (const auto& [path, bytes] : files) {
    const auto text = base::read_file(to.path() / "data" / path);
    const auto found = std::as_bytes(std::span(text));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), found.begin(), found.end())) << label << " " << path;
  }
}

void Aftermath::expect_holds(const Published& published) {
  for (const auto& [label, files] : published) {
    ASSERT_TRUE(labels().contains(label)) << label;
    auto held = read_backup(*storage_, "main", label);
    EXPECT_EQ(held.erase("backup_label") + held.erase("backup_manifest"), 2U);
    EXPECT_TRUE(held == files) << label;
  }
}

void Aftermath::clean_up(const backup_engine::RetentionRules& rules) {
  backup_engine::ExpireRequest request;
  request.rules = rules;
  request.now = base::utc_now() + std::chrono::hours(48);  // puts that were interrupted are old enough
  const auto dead = intents();
  if (!dead.empty()) {
    const auto before = debris();
    const auto result = backup_engine::retention::expire_cluster(*storage_, "main", request);
    EXPECT_EQ(result.held.size(), dead.size());
    for (const auto& name : before) {
      auto folders = dead.front().chain;
      folders.push_back(dead.front().label);
      const bool held = std::ranges::any_of(
          folders, [&](const auto& label) { return name.starts_with(store::backup_prefix("main", label)); });
      EXPECT_EQ(storage_->size(name).has_value(), held) << name;
    }
    for (const auto& intent : dead) store::revoke_intent(*storage_, "main", intent.label);
  }
  for (const auto& cluster : store::list_clusters(*storage_)) {
    EXPECT_THAT(backup_engine::retention::expire_cluster(*storage_, cluster, request).held, IsEmpty());
  }
}

void Aftermath::expect_nothing_else() {
  EXPECT_THAT(intents(), IsEmpty());
  EXPECT_THAT(debris(), IsEmpty());
  const auto backups = directory_ / "repository" / "clusters" / "main" / "backups";
  for (const auto& entry : fs::recursive_directory_iterator(backups)) EXPECT_FALSE(fs::is_empty(entry)) << entry.path();
}

}  // namespace tests

// What becomes of each entry of BASE_BACKUP's archives: stored as a file, made a directory, kept in memory, left out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "backup_engine/backup/backup_contents.hpp"
#include "backup_engine/backup/block_pipeline.hpp"
#include "backup_engine/backup/tar_reader.hpp"

namespace backup_engine::backup {

// A small file that is needed as a whole.
struct KeptFile {
  SourceEntry entry;
  base::UtcTime modified_at;
  std::string bytes;
};

struct StreamRules {
  bool verify_pages = false;            // the cluster has data checksums
  std::set<std::string> replaced;       // names at the top that something else stands for
  bool remember_configuration = false;  // keep the text of what may be configuration, beside storing it
};

class StreamEntries final : public TarSink {
 public:
  // All outlive this.
  StreamEntries(BackupContents& contents, BlockPipeline& pipeline, StreamRules rules)
      : contents_(contents), pipeline_(pipeline), rules_(std::move(rules)) {}

  // The next archive's entries belong there; none: the data directory.
  void begin_archive(std::optional<std::uint32_t> tablespace);

  void begin(const TarEntry& entry) override;
  void data(std::span<const std::byte> bytes) override;
  void end() override;

  // backup_label, tablespace_map and global/pg_control are never stored, only kept. Nullptr when it did not come.
  [[nodiscard]] const KeptFile* kept(const std::string& path) const;
  [[nodiscard]] const std::map<std::string, KeptFile>& kept() const { return kept_; }
  [[nodiscard]] bool stored(const std::string& top_name) const { return stored_at_top_.contains(top_name); }

 private:
  [[nodiscard]] bool is_remembered(const std::string& path, std::uint64_t size_bytes) const;

  BackupContents& contents_;
  BlockPipeline& pipeline_;
  const StreamRules rules_;
  std::optional<std::uint32_t> tablespace_;
  bool storing_ = false;            // the entry goes into the pipeline
  std::string* keeping_ = nullptr;  // and, or, into memory
  std::map<std::string, KeptFile> kept_;
  std::set<std::string> stored_at_top_;
};

}  // namespace backup_engine::backup

// What a backup holds so far, apart from the blocks: directories, links, files made from memory, and the list of stored
// files from which backup_manifest is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/backup/configuration_capture.hpp"
#include "backup_engine/backup/put_file.hpp"
#include "backup_engine/backup/source_files.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/store/backup_writer.hpp"

namespace backup_engine::backup {

class BackupContents {
 public:
  explicit BackupContents(store::BackupWriter& writer) : writer_(writer), blocks_(writer.make_block_writer()) {}
  [[nodiscard]] store::BackupWriter& writer() { return writer_; }

  // The data directory itself; what is made here belongs to its owner.
  void add_data_directory(const SourceEntry& entry);
  [[nodiscard]] const SourceEntry& data_directory() const { return data_directory_; }
  void add_directory(const SourceEntry& entry);  // once is enough: a path that is there already is left as it is
  // A link at pg_tblspc/OID to `location`.
  void add_tablespace(std::uint32_t oid, const std::string& location, const SourceEntry& entry);
  // Links and external files; `describe` tells mode and owner of the file at a place.
  void add_configuration(const CapturedConfiguration& configuration, const postgres::ConfigurationReader& reader,
                         const std::function<SourceEntry(const std::filesystem::path&)>& describe);
  // What a thread pool stored.
  void add_stored(CopiedFiles copied);
  // A file from memory.
  void add_file(const SourceEntry& entry, base::UtcTime modified_at, std::span<const std::byte> bytes);
  void add_made_here(const std::string& path, const std::string& text);
  // A long text, of which only a piece at a time is held. `make` is called twice, gives the same pieces both times, and
  // may use files() meanwhile: the first time says how long it is.
  using TextMaker = std::function<void(const std::function<void(std::string_view piece)>& sink)>;
  void add_made_here(const std::string& path, const TextMaker& make);

  // In order of path.
  [[nodiscard]] const std::vector<postgres::ManifestFile>& files();
  [[nodiscard]] const std::vector<SuspectPage>& suspects() const { return copied_.suspects; }
  // Of what it holds, the paths for which shows_place() holds.
  [[nodiscard]] std::set<std::string> places() const;
  [[nodiscard]] const std::vector<store::Tablespace>& tablespaces() const { return tablespaces_; }
  void finish() { blocks_->finish(); }

 private:
  store::BackupWriter& writer_;
  std::unique_ptr<store::BlockWriter> blocks_;  // for what is stored from memory
  SourceEntry data_directory_;
  std::set<std::string> directories_;
  std::vector<store::Tablespace> tablespaces_;
  CopiedFiles copied_;
};

}  // namespace backup_engine::backup

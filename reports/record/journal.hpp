// journal.jsonl: what the drill did, one event a line, appended and flushed as it happens. Nothing is ever rewritten.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/utc_time.hpp"

namespace reports::record {

struct JournalEvent {
  std::string time;   // RFC 3339
  std::string event;  // dotted, for example "phase.begin", "backup.done", "disaster.struck"
  std::map<std::string, std::string> details;
};

// Thread-safe.
class Journal {
 public:
  // Appends to FILE, creating it. Throws base::Error.
  explicit Journal(const std::filesystem::path& file);
  void append(std::string_view event, const std::map<std::string, std::string>& details = {});

 private:
  std::mutex mutex_;
  backup_engine::base::UniqueFd file_;
  std::filesystem::path path_;
};

// A torn last line (the drill was killed) is dropped; any other bad line throws base::Error(corrupt).
[[nodiscard]] std::vector<JournalEvent> read_journal(const std::filesystem::path& file);

}  // namespace reports::record

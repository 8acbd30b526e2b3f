// What a disaster may harm besides the source: the repository's files by their names (docs/formats/repository.md), and
// the way by which WAL leaves the source.
#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/drill/source_side.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Deadline;

namespace {

constexpr auto limit = std::chrono::seconds(60);

std::vector<fs::path> files_named(const fs::path& directory, const std::string& start) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && entry.path().filename().string().starts_with(start)) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_part(const fs::path& file) {
  return file.filename().string().find(".part-") != std::string::npos;
}

}  // namespace

disaster::Surroundings SourceSide::surroundings() {
  disaster::Surroundings around;
  around.segment_files = [this](const std::string& point) { return segment_files(point); };
  around.newest_backups = [this](int count) { return newest_backups(count); };
  around.key_file = repository_.key_file;
  around.break_archiving = [this] { break_archiving(); };
  around.mend_archiving = [this] { mend_archiving(); };
  around.make_standby = [this] { make_standby(); };
  around.go_on_at_standby = [this] { return go_on_at_standby(); };
  around.interrupt_backup = [this](const std::string& type) { return interrupt_backup(type); };
  return around;
}

std::string SourceSide::interrupt_backup(const std::string& type) {
  backup::BackupOptions options{server_->conninfo(), context_.workplace.source(), scenario::BackupType::full, 1};
  for (const auto each : {scenario::BackupType::differential, scenario::BackupType::incremental}) {
    if (scenario::to_string(each) == type) options.type = each;
  }
  return backup::interrupt_backup(repository_, options, context_.directory.log("interrupted-backup"),
                                  Deadline::after(limit), context_.stop);
}

// The segment is ended first, and something written behind it: of an open one, or the last of all, nobody could tell
// that anything is missing.
std::vector<fs::path> SourceSide::segment_files(const std::string& point) {
  const auto found =
      std::find_if(points_.begin(), points_.end(), [&](const TimelinePoint& each) { return each.name == point; });
  if (found == points_.end()) {
    throw base::Error(base::ErrorKind::internal, fmt::format("the timeline came to no point '{}'", point));
  }
  auto connection = server_->connect();
  const auto segment = connection.query("SELECT pg_walfile_name($1::pg_lsn)", {found->lsn}).single();
  const auto [harmed, first] = harmed_segments_.emplace(segment, point);
  if (!first) {
    throw base::Error(base::ErrorKind::usage,
                      fmt::format("the WAL segment {}, which holds \"{}\", was harmed already: it holds \"{}\" too",
                                  segment, point, harmed->second))
        .with_remedy(fmt::format("take \"{}\" behind the first of the two disasters, which ends its segment", point));
  }
  connection.query("SELECT pg_switch_wal()");
  connection.query("SELECT pg_logical_emit_message(true, 'lifeboat', 'WAL behind the segment that is harmed')");
  wait_for_the_last_wal();
  std::vector<fs::path> files;
  const auto folder = repository_.directory / "clusters" / repository_.cluster / "wal";
  base::poll_until(
      Deadline::after(limit), fmt::format("the whole segment {} in the repository", segment),
      [&]() -> std::optional<std::string> {
        files = files_named(folder, segment);
        std::erase_if(files, [](const fs::path& file) { return file.extension() == ".backup"; });
        const bool whole = !files.empty() && std::none_of(files.begin(), files.end(), is_part);
        return whole ? std::nullopt : std::optional(fmt::format("{} files of it", files.size()));
      },
      context_.stop);
  return files;
}

std::vector<faults::ExpendableDirectory> SourceSide::newest_backups(int count) const {
  std::vector<faults::ExpendableDirectory> directories;
  for (auto each = backups_.rbegin(); each != backups_.rend() && std::cmp_less(directories.size(), count); ++each) {
    directories.push_back(faults::ExpendableDirectory::made_by_this_drill(
        repository_.directory / "clusters" / repository_.cluster / "backups" / each->label, context_.workplace.path()));
  }
  return directories;
}

void SourceSide::break_archiving() {
  if (archiver_) archiver_->break_off();
  if (receiver_) end_receiver();
  receiver_.reset();
  archiving_broken_ = true;
}

void SourceSide::mend_archiving() {
  if (archiver_) {
    archiver_.emplace(backup::WalArchiver::start(repository_, server_->conninfo()));
  } else {
    start_receiver(Deadline::after(context_.plan.server_start_limit));
  }
  archiving_broken_ = false;
  wait_for_the_last_wal();
}

}  // namespace harness::drill

#include "reports/record/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "reports/record/json_fields.hpp"

namespace reports::record {

using backup_engine::base::system_error;

template <class Io>
void fields(Io& io, typename Io::template Ref<JournalEvent> event) {
  io("time", event.time);
  io("event", event.event);
  io("details", event.details);
}

namespace {

// What a killed drill left of its last line would otherwise be glued to the next one.
void cut_torn_line(const std::filesystem::path& path, int fd) {
  const auto text = backup_engine::base::read_file(path);
  const auto last_newline = text.rfind('\n');
  const auto whole_bytes = last_newline == std::string::npos ? 0 : last_newline + 1;
  if (whole_bytes == text.size()) return;
  if (::ftruncate(fd, static_cast<off_t>(whole_bytes)) != 0) throw system_error(errno, "truncate", path.string());
}

}  // namespace

Journal::Journal(const std::filesystem::path& file)
    : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)), path_(file) {
  if (!file_.valid()) throw system_error(errno, "open the journal", file.string());
  cut_torn_line(path_, file_.get());
}

void Journal::append(std::string_view event, const std::map<std::string, std::string>& details) {
  const std::lock_guard lock(mutex_);
  const JournalEvent entry{backup_engine::base::to_rfc3339(backup_engine::base::utc_now()), std::string(event),
                           details};
  const auto line = to_value(entry).dump(-1, ' ', false, WrittenJson::error_handler_t::replace) + "\n";
  backup_engine::base::write_all(file_.get(), std::as_bytes(std::span(line)), path_);
}

std::vector<JournalEvent> read_journal(const std::filesystem::path& file) {
  const auto text = backup_engine::base::read_file(file);
  std::vector<JournalEvent> events;
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const auto place = file.string() + " line " + std::to_string(events.size() + 1);
    const auto json = parse_json(text.substr(begin, end - begin), place);
    from_value(json, JsonPath(place), events.emplace_back());
    begin = end + 1;
  }
  return events;
}

}  // namespace reports::record

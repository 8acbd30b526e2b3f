#include "reports/record/mark.hpp"

#include "backup_engine/base/file.hpp"
#include "reports/record/mark_fields.hpp"

namespace reports::record {

template <class Io>
void fields(Io& io, typename Io::template Ref<Mark> mark) {
  io("name", mark.name);
  io("restore_point", mark.restore_point);
  io("lsn", mark.lsn);
  io("time", mark.time);
  io("timeline", mark.timeline);
  io("ledger_acknowledged", mark.ledger_acknowledged);
  io("content", mark.content);
  io("catalog", mark.catalog);
  io("settings", mark.settings);
  io("selected", mark.selected);
}

void write_mark(const std::filesystem::path& file, const Mark& mark) {
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  backup_engine::base::write_file_atomically(file, to_text(to_value(mark)));
}

Mark read_mark(const std::filesystem::path& file) {
  const auto json = parse_json(backup_engine::base::read_file(file), file.string());
  Mark mark;
  from_value(json, JsonPath(file.string()), mark);
  return mark;
}

}  // namespace reports::record

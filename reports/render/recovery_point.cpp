#include "reports/render/recovery_point.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "reports/render/text.hpp"

namespace reports::render {

using record::RestoreRecord;

std::string target_text(const record::RestoreTarget& target) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> words{
      {{"mark", "mark"}, {"name", "restore point"}, {"time", "time"}, {"lsn", "LSN"}, {"xid", "xid"}}};
  std::string text = target.type;
  if (target.type == "end_of_wal") text = "the end of the WAL";
  if (target.type == "immediate") text = "the backup's own consistent point";
  for (const auto& [type, word] : words) {
    if (target.type == type) text = word;
  }
  // A mark is known by its own name; its restore point carries this in front.
  const auto value =
      target.type == "mark" && target.value.starts_with("lifeboat-") ? target.value.substr(9) : target.value;
  if (!value.empty()) text += (text.empty() ? "" : " ") + value;
  const bool stops_at_or_before = target.type == "time" || target.type == "lsn" || target.type == "xid";
  if (stops_at_or_before || !target.inclusive) text += target.inclusive ? ", inclusive" : ", exclusive";
  if (!target.timeline.empty() && target.timeline != "latest" && target.timeline != "current") {
    text += ", timeline " + target.timeline;
  }
  return text;
}

std::string reached_text(const RestoreRecord::Reached& reached) {
  auto text = reached.lsn;
  const auto add = [&text](const char* before, const std::string& more) {
    if (!more.empty()) text += (text.empty() ? "" : before) + more;
  };
  if (!reached.time.empty()) add("; ", "last commit " + precise_time_text(reached.time));
  if (!reached.xid.empty()) add(", ", "xid " + reached.xid);
  return text;
}

std::string exactness_text(const record::Exactness& exact) {
  if (!exact.met) return "not established";
  const auto missing = exact.missing.value_or(0), extra = exact.extra.value_or(0);
  auto text = *exact.met ? fmt::format("yes: all {}, none extra", count_text(exact.expected.value_or(0), "commit"))
                         : fmt::format("no: {} missing, {} extra, {} expected", count_text(missing), count_text(extra),
                                       count_text(exact.expected.value_or(0)));
  if (!exact.witness.empty()) text += fmt::format(" (witness {})", exact.witness);
  return text;
}

std::string discarded_text(const record::Rpo& rpo) {
  if (!rpo.discarded) return "not measured";
  if (*rpo.discarded == 0) return "nothing";
  auto text = count_text(*rpo.discarded, "transaction");
  if (rpo.discarded_seconds) text += fmt::format(", {} of work", duration_text(*rpo.discarded_seconds));
  return text;
}

bool has_own_target(const RestoreRecord& restore) {
  return restore.kind == "pitr" || restore.kind == "partial" ||
         (!restore.target.type.empty() && restore.target.type != "end_of_wal");
}

std::string end_of_rto(const RestoreRecord& restore) {
  return restore.kind == "partial" ? "back in place" : "writable";
}

}  // namespace reports::render

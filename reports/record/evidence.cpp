#include "reports/record/evidence.hpp"

#include <algorithm>

#include "backup_engine/base/file.hpp"
#include "reports/record/mark_fields.hpp"

namespace reports::record {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

template <class Io>
void fields(Io& io, typename Io::template Ref<ToolRun> run) {
  io("program", run.program);
  io("arguments", run.arguments);
  io("exit_code", run.exit_code);
  io("output", run.output);
  io("seconds", run.seconds);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ConstraintEvidence::Broken> broken) {
  io("table", broken.table);
  io("constraint", broken.constraint);
  io("kind", broken.kind);
  io("rows", broken.rows);
  io("keys", broken.keys);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ConstraintEvidence> constraints) {
  io("examined", constraints.examined);
  io("broken", constraints.broken);
  io("not_validated", constraints.not_validated);
  io("invalid_indexes", constraints.invalid_indexes);
  io.later("not_evaluated", constraints.not_evaluated);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SequenceEvidence::Behind> behind) {
  io("sequence", behind.sequence);
  io("table", behind.table);
  io("column", behind.column);
  io("last_value", behind.last_value);
  io("highest_value", behind.highest_value);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SequenceEvidence> sequences) {
  io("examined", sequences.examined);
  io("behind", sequences.behind);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CatalogEvidence> catalog) {
  io("objects", catalog.objects);
  io("settings", catalog.settings);
  io("quarantined", catalog.quarantined);
  io("collation_mismatches", catalog.collation_mismatches);
  io("missing_libraries", catalog.missing_libraries);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SqlEvidence::Result> result) {
  io("name", result.name);
  io("columns", result.columns);
  io("rows", result.rows);
  io("row_count", result.row_count);
  io("error", result.error);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SqlEvidence> sql) {
  io("file", sql.file);
  io("results", sql.results);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CommitRecord> record) {
  io("lsn", record.lsn);
  io("end_lsn", record.end_lsn);
  io("xid", record.xid);
  io("subtransactions", record.subtransactions);
  io("time", record.time);
  io("timeline", record.timeline);
  io("committed", record.committed);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestorePointRecord> point) {
  io("name", point.name);
  io("lsn", point.lsn);
  io("end_lsn", point.end_lsn);
  io("timeline", point.timeline);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<PreparedRecord> record) {
  io("lsn", record.lsn);
  io("end_lsn", record.end_lsn);
  io("xid", record.xid);
  io("name", record.name);
  io("time", record.time);
  io("timeline", record.timeline);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<TimelineStretch> stretch) {
  io("timeline", stretch.timeline);
  io("end_lsn", stretch.end_lsn);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RecordPlace> place) {
  io("lsn", place.lsn);
  io("end_lsn", place.end_lsn);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<TransactionStatus> transaction) {
  io("xid", transaction.xid);
  io("status", transaction.status);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ConsistencyEvidence::BrokenReference> reference) {
  io("from", reference.from);
  io("to", reference.to);
  io("rows", reference.rows);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ConsistencyEvidence> consistency) {
  io("references_examined", consistency.references_examined);
  io("files_examined", consistency.files_examined);
  io("broken_references", consistency.broken_references);
  io("missing_files", consistency.missing_files);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CommitOrderEvidence> order) {
  io("witness", order.witness);
  io("records", order.records);
  io("reached_lsn", order.reached_lsn);
  io("reached_timeline", order.reached_timeline);
  io("acknowledged_lsn", order.acknowledged_lsn);
  io("xids_present", order.xids_present);
  io("restore_points", order.restore_points);
  io("at_target", order.at_target);
  io.later("left_out", order.left_out);
  io.later("recovered_statuses", order.recovered_statuses);
  io.later("paused_statuses", order.paused_statuses);
  io.later("line", order.line);
  io.later("abandoned", order.abandoned);
  io.later("prepared", order.prepared);
  io.later("prepared_present", order.prepared_present);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SweepEvidence::Point> point) {
  io("boundary", point.boundary);
  io("way", point.way);
  io("position", point.position);
  io("served", point.served);
  io("target_type", point.target_type);
  io("target_value", point.target_value);
  io("inclusive", point.inclusive);
  io("backup_label", point.backup_label);
  io("outcome", point.outcome);
  io("why", point.why);
  io("reached_lsn", point.reached_lsn);
  io("reached_timeline", point.reached_timeline);
  io("appeared", point.appeared);
  io("vanished", point.vanished);
  io("seconds", point.seconds);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SweepEvidence> sweep) {
  io("from_lsn", sweep.from_lsn);
  io("until_lsn", sweep.until_lsn);
  io("shared_seconds", sweep.shared_seconds);
  io("own_seconds", sweep.own_seconds);
  io("points", sweep.points);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<UntouchedEvidence> untouched) {
  io("before", untouched.before);
  io("after", untouched.after);
  io.later("dependents", untouched.dependents);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RollBackEvidence::Look> look) {
  io("content", look.content);
  io("objects", look.objects);
  io("system_identifier", look.system_identifier);
  io("timeline", look.timeline);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RollBackEvidence> roll_back) {
  io("before", roll_back.before);
  io("after", roll_back.after);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<IsolationEvidence::Attempt> attempt) {
  io("address", attempt.address);
  io("from_outside", attempt.from_outside);
  io("from_inside", attempt.from_inside);
  io("why_not", attempt.why_not);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<IsolationEvidence> isolation) {
  io("impossible", isolation.impossible);
  io("processes", isolation.processes);
  io("shared", isolation.shared);
  io("interfaces", isolation.interfaces);
  io("sockets_known", isolation.sockets_known);
  io("sockets_seen", isolation.sockets_seen);
  io("attempts", isolation.attempts);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<LedgerRow> row) {
  io("id", row.id);
  io("xid", row.xid);
  io("digest", row.digest);
  io("recomputed_digest", row.recomputed_digest);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<LedgerRows> ledger) {
  io("rows", ledger.rows);
}

namespace {

constexpr int evidence_version = 2;

// evidence/probes.json: written last, so that its presence says that the others are whole.
struct Probes {
  int version = evidence_version;
  std::vector<std::string> gathered;
  std::string content_mark;
  std::map<std::string, std::string> missing;
  std::map<std::string, double> seconds;
};

template <class Io>
void fields(Io& io, typename Io::template Ref<Probes> probes) {
  io("evidence_version", probes.version);
  io("gathered", probes.gathered);
  io("content_mark", probes.content_mark);
  io("missing", probes.missing);
  io("seconds", probes.seconds);
}

// Calls visit(name, member) for each member that has a file of its own; the name is the file's.
template <class SomeEvidence, class Visit>
void for_each_member(SomeEvidence& evidence, const Visit& visit) {
  visit("ledger", evidence.ledger);
  visit("content", evidence.content);
  visit("restored_content", evidence.restored_content);
  visit("verify_backup", evidence.verify_backup);
  visit("page_checksums", evidence.page_checksums);
  visit("amcheck", evidence.amcheck);
  visit("constraints", evidence.constraints);
  visit("sequences", evidence.sequences);
  visit("catalog", evidence.catalog);
  visit("consistency", evidence.consistency);
  visit("control_data", evidence.control_data);
  visit("commit_order", evidence.commit_order);
  visit("selected", evidence.selected);
  visit("untouched", evidence.untouched);
  visit("roll_back", evidence.roll_back);
  visit("sweep", evidence.sweep);
  visit("isolation", evidence.isolation);
  visit("second_isolation", evidence.second_isolation);
}

fs::path file_of(const fs::path& drill_directory, const std::string& name) {
  return drill_directory / "evidence" / (name + ".json");
}

void write(const fs::path& file, const WrittenJson& json, bool compact) {
  backup_engine::base::write_file_atomically(
      file, compact ? json.dump(-1, ' ', false, WrittenJson::error_handler_t::replace) + "\n" : to_text(json));
}

template <class T>
void read(const fs::path& file, T& value) {
  from_value(parse_json(backup_engine::base::read_file(file), file.string()), JsonPath(file.string()), value);
}

}  // namespace

void write_evidence(const fs::path& drill_directory, const Evidence& evidence) {
  fs::create_directories(drill_directory / "evidence");
  Probes probes;
  probes.content_mark = evidence.content_mark;
  probes.missing = evidence.missing;
  probes.seconds = evidence.seconds;
  for_each_member(evidence, [&](const std::string& name, const auto& member) {
    if (!member) return;
    // These hold a record a transaction: indented they would be three times as large.
    const bool compact = name == "ledger" || name == "commit_order" || name == "selected" || name == "sweep";
    write(file_of(drill_directory, name), to_value(*member), compact);
    probes.gathered.push_back(name);
  });
  write(file_of(drill_directory, "sql"), to_value(evidence.sql), false);
  write(file_of(drill_directory, "probes"), to_value(probes), false);
}

Evidence read_evidence(const fs::path& drill_directory) {
  const auto index = file_of(drill_directory, "probes");
  if (!fs::exists(index)) {
    throw Error(ErrorKind::not_found, "no evidence was gathered: " + index.string() + " does not exist")
        .with_remedy("judge a drill that reached its verification, or run the drill again");
  }
  Probes probes;
  read(index, probes);
  if (probes.version != evidence_version) {
    throw Error(ErrorKind::unsupported,
                index.string() + ": evidence_version " + std::to_string(probes.version) + " is not known")
        .with_remedy("read it with the version of lifeboat that wrote it");
  }
  Evidence evidence;
  evidence.content_mark = probes.content_mark;
  evidence.missing = probes.missing;
  evidence.seconds = probes.seconds;
  for_each_member(evidence, [&](const std::string& name, auto& member) {
    if (std::find(probes.gathered.begin(), probes.gathered.end(), name) == probes.gathered.end()) return;
    read(file_of(drill_directory, name), member.emplace());
  });
  read(file_of(drill_directory, "sql"), evidence.sql);
  return evidence;
}

}  // namespace reports::record

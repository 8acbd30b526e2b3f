#include "reports/record/report.hpp"

#include "backup_engine/base/file.hpp"
#include "reports/record/json_fields.hpp"

namespace reports::record {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

template <class Io>
void fields(Io& io, typename Io::template Ref<ScenarioIdentity> scenario) {
  io("name", scenario.name);
  io("claim", scenario.claim);
  io("digest", scenario.digest);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ToolIdentity> tool) {
  io("name", tool.name);
  io("version", tool.version);
  io("revision", tool.revision);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Initiator> initiator) {
  io("user", initiator.user);
  io("host", initiator.host);
  io("reason", initiator.reason);
  io("cadence", initiator.cadence);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Environment> environment) {
  io("os", environment.os);
  io("kernel", environment.kernel);
  io("cpu", environment.cpu);
  io("cores", environment.cores);
  io("memory_bytes", environment.memory_bytes);
  io("filesystem", environment.filesystem);
  io("postgres_version", environment.postgres_version);
  io("settings", environment.settings);
  io("concurrent_drills", environment.concurrent_drills);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<BackupRecord> backup) {
  io("label", backup.label);
  io("type", backup.type);
  io("parent_label", backup.parent_label);
  io("source", backup.source);
  io("source_bytes", backup.source_bytes);
  io("stored_bytes", backup.stored_bytes);
  io("seconds", backup.seconds);
  io("start_lsn", backup.start_lsn);
  io("stop_lsn", backup.stop_lsn);
  io("timeline", backup.timeline);
  io("damaged_pages", backup.damaged_pages);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<DisasterRecord> disaster) {
  io("kind", disaster.kind);
  io("at", disaster.at);
  io("detail", disaster.detail);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Resources> resources) {
  io("cpu_seconds", resources.cpu_seconds);
  io("peak_memory_bytes", resources.peak_memory_bytes);
  io("read_bytes", resources.read_bytes);
  io("written_bytes", resources.written_bytes);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Phase> phase) {
  io("name", phase.name);
  io("started_at", phase.started_at);
  io("seconds", phase.seconds);
  io("resources", phase.resources);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Rto> rto) {
  io("phases", rto.phases);
  io("restored_seconds", rto.restored_seconds);
  io("readable_seconds", rto.readable_seconds);
  io("writable_seconds", rto.writable_seconds);
  io("verified_seconds", rto.verified_seconds);
  io("objective_seconds", rto.objective_seconds);
  io("met", rto.met);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Rpo> rpo) {
  io("acknowledged", rpo.acknowledged);
  io("recovered", rpo.recovered);
  io("lost", rpo.lost);
  io("discarded", rpo.discarded);
  io("unexpected", rpo.unexpected);
  io("duplicated", rpo.duplicated);
  io("indeterminate", rpo.indeterminate);
  io("loss_seconds", rpo.loss_seconds);
  io("discarded_seconds", rpo.discarded_seconds);
  io("objective_seconds", rpo.objective_seconds);
  io("met", rpo.met);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Exactness> exact) {
  io("expected", exact.expected);
  io("missing", exact.missing);
  io("extra", exact.extra);
  io("witness", exact.witness);
  io("met", exact.met);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreTarget> target) {
  io("type", target.type);
  io("value", target.value);
  io("inclusive", target.inclusive);
  io("timeline", target.timeline);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord::Reached> reached) {
  io("lsn", reached.lsn);
  io("time", reached.time);
  io("xid", reached.xid);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord::Expected> expected) {
  io("outcome", expected.outcome);
  io("reason", expected.reason);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord::Size> size) {
  io("database_bytes", size.database_bytes);
  io("class", size.size_class);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord::Work> work) {
  io("extract_seconds", work.extract_seconds);
  io("transfer_seconds", work.transfer_seconds);
  io("restore_seconds", work.restore_seconds);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord::Volume> volume) {
  io("restored_bytes", volume.restored_bytes);
  io("replayed_wal_bytes", volume.replayed_wal_bytes);
  io("replay_seconds", volume.replay_seconds);
}

// What was restored and where it ended, without the three judgements.
template <class Io>
void identity_fields(Io& io, typename Io::template Ref<RestoreRecord> restore) {
  io("kind", restore.kind);
  io("target", restore.target);
  io("backup_label", restore.backup_label);
  io("reached", restore.reached);
  io("expected", restore.expected);
  io("outcome", restore.outcome);
  io.later("reason", restore.reason);
  io.later("size", restore.size);
  io.later("work", restore.work);
  io.later("notes", restore.notes);
  io.later("repeat", restore.repeat);
  io.later("volume", restore.volume);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRecord> restore) {
  identity_fields(io, restore);
  io("rto", restore.rto);
  io("rpo", restore.rpo);
  io("exact", restore.exact);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Spread> spread) {
  io("name", spread.name);
  io("samples", spread.samples);
  io("minimum_seconds", spread.minimum_seconds);
  io("median_seconds", spread.median_seconds);
  io("percentile_95_seconds", spread.percentile_95_seconds);
  io("maximum_seconds", spread.maximum_seconds);
  io("standard_deviation_seconds", spread.standard_deviation_seconds);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Extrapolation> extrapolation) {
  io("size_bytes", extrapolation.size_bytes);
  io("factor", extrapolation.factor);
  io("rto_seconds", extrapolation.rto_seconds);
  io("lowest_seconds", extrapolation.lowest_seconds);
  io("highest_seconds", extrapolation.highest_seconds);
  io("transfer_seconds", extrapolation.transfer_seconds);
  io("replay_seconds", extrapolation.replay_seconds);
  io("constant_seconds", extrapolation.constant_seconds);
  io("caveat", extrapolation.caveat);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Statistics> statistics) {
  io("repeats", statistics.repeats);
  io("phases", statistics.phases);
  io("milestones", statistics.milestones);
  io("restored_bytes_per_second", statistics.restored_bytes_per_second);
  io("replayed_wal_bytes_per_second", statistics.replayed_wal_bytes_per_second);
  io("extrapolations", statistics.extrapolations);
  io("notes", statistics.notes);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Finding> finding) {
  io("object", finding.object);
  io("key", finding.key);
  io("lsn", finding.lsn);
  io("xid", finding.xid);
  io("time", finding.time);
  io("text", finding.text);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Check> check) {
  io("name", check.name);
  io("verdict", check.verdict);
  io("summary", check.summary);
  io("expected", check.expected);
  io("actual", check.actual);
  io("findings", check.findings);
  io("seconds", check.seconds);
  io("witness", check.witness);
  io("proven_by", check.proven_by);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Sweep::Point> point) {
  io("boundary", point.boundary);
  io("way", point.way);
  io("lsn", point.lsn);
  io("time", point.time);
  io("xid", point.xid);
  io("timeline", point.timeline);
  io("target", point.target);
  io("backup_label", point.backup_label);
  io("reached_lsn", point.reached_lsn);
  io("expected", point.expected);
  io("missing", point.missing);
  io("extra", point.extra);
  io("met", point.met);
  io("why", point.why);
  io("seconds", point.seconds);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Sweep> sweep) {
  io("from_lsn", sweep.from_lsn);
  io("until_lsn", sweep.until_lsn);
  io("planned", sweep.planned);
  io("judged", sweep.judged);
  io("met", sweep.met);
  io("shared_seconds", sweep.shared_seconds);
  io("own_seconds", sweep.own_seconds);
  io("points", sweep.points);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Proof> proof) {
  io("check", proof.check);
  io("sabotage", proof.sabotage);
  io("verdict_wanted", proof.verdict_wanted);
  io("verdict_given", proof.verdict_given);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Cleanup> cleanup) {
  io("verdict", cleanup.verdict);
  io("left_behind", cleanup.left_behind);
}

namespace {

template <class Io>
void before_headline(Io& io, typename Io::template Ref<Report> report) {
  io("schema_version", report.schema_version);
  io("drill_id", report.drill_id);
  io("seed", report.seed);
  io("scenario", report.scenario);
  io("tool", report.tool);
  io("initiated_by", report.initiated_by);
  io("environment", report.environment);
  io("started_at", report.started_at);
  io("finished_at", report.finished_at);
  io("verdict", report.verdict);
  io("backups", report.backups);
  io("disasters", report.disasters);
  io("restores", report.restores);
}

template <class Io>
void after_headline(Io& io, typename Io::template Ref<Report> report) {
  io.later("statistics", report.statistics);
  io("checks", report.checks);
  io("proof", report.proof);
  io.later("sweep", report.sweep);
  io("not_tested", report.not_tested);
  io("cleanup", report.cleanup);
}

WrittenJson restore_identity(const RestoreRecord& restore) {
  JsonWriter writer;
  identity_fields(writer, restore);
  return writer.take();
}

// A headline that says something else than the last restore was edited by hand.
void compare_headline(const ReadJson& json, const JsonPath& path) {
  const auto& restores = json.at("restores");
  for (const char* name : {"restore", "rto", "rpo", "exact"}) {
    const JsonPath place(path, name);
    const auto found = json.find(name);
    if (found == json.end()) place.fail("is missing");
    if (restores.empty()) continue;
    auto last = restores.back();
    if (std::string_view(name) == "restore") {
      for (const char* judgement : {"rto", "rpo", "exact"}) last.erase(judgement);
    } else {
      last = ReadJson(last.at(name));
    }
    if (*found != last) place.fail("is not that of the last of restores");
  }
}

Report parse_report(const std::string& text, const std::string& document) {
  const auto json = parse_json(text, document);
  const JsonPath path(document);
  if (!json.is_object()) path.fail("a report is a JSON object");
  int schema_version = 0;
  JsonReader reader(json, path);
  reader("schema_version", schema_version);
  if (schema_version != report_schema_version) {
    throw Error(ErrorKind::unsupported, document + ": schema_version " + std::to_string(schema_version) +
                                            " is not known, only " + std::to_string(report_schema_version))
        .with_remedy("read it with the version of lifeboat that wrote it");
  }
  Report report;
  before_headline(reader, report);
  compare_headline(json, path);
  after_headline(reader, report);
  return report;
}

}  // namespace

std::string to_json(const Report& report) {
  JsonWriter writer;
  before_headline(writer, report);
  auto json = writer.take();
  const bool restored = !report.restores.empty();
  const auto last = restored ? report.restores.back() : RestoreRecord();
  json["restore"] = restored ? restore_identity(last) : WrittenJson(nullptr);
  json["rto"] = to_value(last.rto);
  json["rpo"] = to_value(last.rpo);
  json["exact"] = to_value(last.exact);
  JsonWriter rest;
  after_headline(rest, report);
  auto tail = rest.take();
  for (auto& [name, value] : tail.items()) json[name] = std::move(value);
  return to_text(json);
}

Report report_from_json(const std::string& text) {
  return parse_report(text, "report.json");
}

Report read_report(const std::filesystem::path& file) {
  return parse_report(backup_engine::base::read_file(file), file.string());
}

}  // namespace reports::record

#include "backup_engine/store/manifest.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/copied_database.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint32_t most_block_bytes = 1U << 24U;  // an index entry says how long a bundle is in 24 bits
constexpr std::uint64_t most_blocks = std::uint64_t{1} << 44U;
constexpr auto manifest_format = "lifeboat-backup", encrypting_cipher = "aes-256-gcm";

// Text that PostgreSQL or a file system gave us need not be UTF-8; then it stands as {"hex": …}.
Json text_to_json(const std::string& text) {
  Json value = text;
  try {
    [[maybe_unused]] const auto dumped = value.dump();
    return value;
  } catch (const nlohmann::json::exception&) {
    return Json{{"hex", base::to_hex(std::as_bytes(std::span(text)))}};
  }
}

std::string text_from_json(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  auto text = base::text_from_hex(value.at("hex").get<std::string>());
  if (!text) throw Error(ErrorKind::corrupt, fmt::format("not hexadecimal digits: {}", value.dump()));
  return std::move(*text);
}

Json to_json(const ObjectDigest& digest) {
  return {{"size_bytes", digest.size_bytes}, {"xxh3_128", digest.xxh3_128}};
}

ObjectDigest digest_from(const Json& value) {
  return {value.at("size_bytes").get<std::uint64_t>(), value.at("xxh3_128").get<std::string>()};
}

base::UtcTime time_from(const Json& value) {
  const auto time = base::parse_rfc3339(value.get<std::string>());
  if (!time) throw Error(ErrorKind::corrupt, fmt::format("not a time: {}", value.dump()));
  return *time;
}

postgres::Lsn lsn_from(const Json& value) {
  const auto lsn = postgres::parse_lsn(value.get<std::string>());
  if (!lsn) throw Error(ErrorKind::corrupt, fmt::format("not an LSN: {}", value.dump()));
  return *lsn;
}

// A member that came later than the format: nullptr where it is missing or null.
const Json* member(const Json& document, const char* name) {
  const auto found = document.find(name);
  return found == document.end() || found->is_null() ? nullptr : &*found;
}

// Labels become names of objects.
std::string label_from(const Json& value) {
  auto label = value.get<std::string>();
  if (!parse_backup_label(label)) throw Error(ErrorKind::corrupt, fmt::format("not a label: {}", value.dump()));
  return label;
}

std::vector<std::string> labels_from(const Json& values) {
  std::vector<std::string> labels;
  for (const auto& value : values) labels.push_back(label_from(value));
  return labels;
}

BackupType type_from(const Json& value) {
  for (const auto type : {BackupType::full, BackupType::differential, BackupType::incremental}) {
    if (value == to_string(type)) return type;
  }
  throw Error(ErrorKind::corrupt, fmt::format("not a backup type: {}", value.dump()));
}

Codec codec_from(const Json& value) {
  for (const auto codec : {Codec::none, Codec::lz4, Codec::zstd}) {
    if (value == to_string(codec)) return codec;
  }
  throw Error(ErrorKind::unsupported, fmt::format("an unknown codec: {}", value.dump()));
}

void put_summary(Json& document, const BackupSummary& summary) {
  document["cluster"] = summary.cluster;
  document["label"] = summary.label;
  document["type"] = to_string(summary.type);
  document["parent_label"] = summary.parent_label;
  document["source"] = summary.source;
  document["started_at"] = base::to_rfc3339(summary.started_at);
  document["finished_at"] = base::to_rfc3339(summary.finished_at);
  document["stopped_at"] = summary.stopped_at ? Json(base::to_rfc3339(*summary.stopped_at)) : Json(nullptr);
  document["start_lsn"] = postgres::to_string(summary.start_lsn);
  document["stop_lsn"] = postgres::to_string(summary.stop_lsn);
  document["timeline"] = summary.timeline.number();
  document["postgres_major"] = summary.postgres_major;
  document["system_identifier"] = std::to_string(summary.system_identifier);
  document["source_bytes"] = summary.source_bytes;
  document["stored_bytes"] = summary.stored_bytes;
  document["file_count"] = summary.file_count;
  document["damaged_page_count"] = summary.damaged_pages;
  document["data_checksums"] = summary.data_checksums;
}

BackupSummary summary_from(const Json& document) {
  BackupSummary summary;
  summary.cluster = document.at("cluster").get<std::string>();
  summary.label = label_from(document.at("label"));
  summary.type = type_from(document.at("type"));
  const auto& parent = document.at("parent_label");
  if (!parent.get_ref<const std::string&>().empty()) summary.parent_label = label_from(parent);
  summary.source = document.at("source").get<std::string>();
  summary.started_at = time_from(document.at("started_at"));
  summary.finished_at = time_from(document.at("finished_at"));
  if (const auto* stopped = member(document, "stopped_at")) summary.stopped_at = time_from(*stopped);
  summary.start_lsn = lsn_from(document.at("start_lsn"));
  summary.stop_lsn = lsn_from(document.at("stop_lsn"));
  summary.timeline = postgres::TimelineId(document.at("timeline").get<std::uint32_t>());
  summary.postgres_major = document.at("postgres_major").get<int>();
  summary.system_identifier = std::stoull(document.at("system_identifier").get<std::string>());
  summary.source_bytes = document.at("source_bytes").get<std::uint64_t>();
  summary.stored_bytes = document.at("stored_bytes").get<std::uint64_t>();
  summary.file_count = document.at("file_count").get<std::uint64_t>();
  summary.damaged_pages = document.at("damaged_page_count").get<std::uint64_t>();
  summary.data_checksums = document.at("data_checksums").get<bool>();
  return summary;
}

Json copied_to_json(const CopiedDatabases& copied_databases) {
  if (!copied_databases) return nullptr;
  auto all = Json::array();
  for (const auto& copied : *copied_databases) {
    all.push_back(
        {{"oid", copied.oid}, {"from_oid", copied.from_oid}, {"record_lsn", postgres::to_string(copied.record)}});
  }
  return all;
}

// Their names stand in the list of databases.
CopiedDatabases copied_from(const Json& document, const std::vector<Database>& databases) {
  const auto* const values = member(document, "copied_databases");
  if (values == nullptr) return std::nullopt;
  std::vector<CopiedDatabase> all;
  for (const auto& value : *values) {
    all.push_back({lsn_from(value.at("record_lsn")),
                   value.at("oid").get<std::uint32_t>(),
                   value.at("from_oid").get<std::uint32_t>(),
                   {},
                   {}});
  }
  give_names(all, databases);
  return all;
}

void put_source(Json& document, const Manifest& manifest) {
  document["chain"] = manifest.chain;
  document["page_size_bytes"] = manifest.page_size_bytes;
  document["wal_segment_size_bytes"] = manifest.wal_segment_size.bytes();
  auto& tablespaces = document["tablespaces"] = Json::array();
  for (const auto& tablespace : manifest.tablespaces) {
    tablespaces.push_back({{"oid", tablespace.oid}, {"path", text_to_json(tablespace.path)}});
  }
  auto& databases = document["databases"] = manifest.databases.empty() ? Json(nullptr) : Json::array();
  for (const auto& database : manifest.databases) {
    databases.push_back(
        {{"oid", database.oid}, {"name", text_to_json(database.name)}, {"template", database.is_template}});
  }
  document["copied_databases"] = copied_to_json(manifest.copied_databases);
  document["backup_label"] = text_to_json(manifest.backup_label_text);
  document["tablespace_map"] = text_to_json(manifest.tablespace_map_text);
  document["dropped_tablespaces"] = manifest.dropped_tablespaces;
  auto& external = document["external_files"] = Json::array();
  for (const auto& path : manifest.external_files) external.push_back(text_to_json(path));
  auto& damaged = document["damaged_pages"] = Json::array();
  for (const auto& page : manifest.damaged_pages) {
    damaged.push_back({{"file", text_to_json(page.file)}, {"block", page.block}});
  }
}

void read_source(const Json& document, Manifest& manifest) {
  manifest.chain = labels_from(document.at("chain"));
  manifest.page_size_bytes = document.at("page_size_bytes").get<std::uint32_t>();
  manifest.wal_segment_size =
      postgres::SegmentSize::of_bytes(document.at("wal_segment_size_bytes").get<std::uint64_t>());
  for (const auto& tablespace : document.at("tablespaces")) {
    manifest.tablespaces.push_back({tablespace.at("oid").get<std::uint32_t>(), text_from_json(tablespace.at("path"))});
  }
  if (const auto* databases = member(document, "databases")) {
    for (const auto& database : *databases) {
      manifest.databases.push_back({database.at("oid").get<std::uint32_t>(), text_from_json(database.at("name")),
                                    database.at("template").get<bool>()});
    }
  }
  manifest.copied_databases = copied_from(document, manifest.databases);
  manifest.backup_label_text = text_from_json(document.at("backup_label"));
  manifest.tablespace_map_text = text_from_json(document.at("tablespace_map"));
  if (const auto* dropped = member(document, "dropped_tablespaces")) {
    manifest.dropped_tablespaces = dropped->get<std::set<std::uint32_t>>();
  }
  for (const auto& path : document.at("external_files")) manifest.external_files.push_back(text_from_json(path));
  for (const auto& page : document.at("damaged_pages")) {
    manifest.damaged_pages.push_back({text_from_json(page.at("file")), page.at("block").get<std::uint32_t>()});
  }
}

std::optional<KeyId> key_from(const Json& encryption) {
  const auto cipher = encryption.at("cipher").get<std::string>();
  if (cipher == "none") return std::nullopt;
  if (cipher != encrypting_cipher) throw Error(ErrorKind::unsupported, fmt::format("an unknown cipher: {}", cipher));
  KeyId id;
  if (!base::from_hex(encryption.at("key_id").get<std::string>(), id)) throw Error(ErrorKind::corrupt, "not a key id");
  return id;
}

void put_storage(Json& document, const Manifest& manifest) {
  document["encryption"] = {{"cipher", manifest.key_id ? encrypting_cipher : "none"},
                            {"key_id", manifest.key_id ? Json(base::to_hex(*manifest.key_id)) : Json(nullptr)}};
  document["hash"] = "xxh3-128";
  document["block_size_bytes"] = manifest.block_size_bytes;
  document["block_count"] = manifest.block_count;
  document["compression"] = {{"codec", to_string(manifest.compression.codec)}, {"level", manifest.compression.level}};
  document["objects"] = {{"files", to_json(manifest.file_table)},
                         {"blocks.root", to_json(manifest.block_root)},
                         {"blocks.index", to_json(manifest.block_index)},
                         {"blocks.hashes", to_json(manifest.block_hashes)}};
  document["index_backups"] = manifest.index_backups;
  auto& packs = document["packs"] = Json::array();
  for (const auto& pack : manifest.packs) {
    if (pack.is_unused()) {
      packs.push_back(nullptr);
      continue;
    }
    packs.push_back({{"backup", pack.backup_label},
                     {"number", pack.number},
                     {"size_bytes", pack.digest.size_bytes},
                     {"xxh3_128", pack.digest.xxh3_128}});
  }
}

void read_storage(const Json& document, Manifest& manifest) {
  manifest.key_id = key_from(document.at("encryption"));
  const auto hash = document.at("hash").get<std::string>();
  if (hash != "xxh3-128") throw Error(ErrorKind::unsupported, fmt::format("an unknown hash: {}", hash));
  manifest.hash = HashKind::xxh3_128;
  manifest.block_size_bytes = document.at("block_size_bytes").get<std::uint32_t>();
  manifest.block_count = document.at("block_count").get<std::uint64_t>();
  const auto& compression = document.at("compression");
  manifest.compression = {codec_from(compression.at("codec")), compression.at("level").get<int>()};
  const auto& objects = document.at("objects");
  manifest.file_table = digest_from(objects.at("files"));
  manifest.block_root = digest_from(objects.at("blocks.root"));
  manifest.block_index = digest_from(objects.at("blocks.index"));
  manifest.block_hashes = digest_from(objects.at("blocks.hashes"));
  manifest.index_backups = labels_from(document.at("index_backups"));
  for (const auto& pack : document.at("packs")) {
    if (pack.is_null()) {
      manifest.packs.emplace_back();
      continue;
    }
    manifest.packs.push_back(
        {label_from(pack.at("backup")), pack.at("number").get<std::uint32_t>(), digest_from(pack)});
  }
  if (manifest.block_size_bytes == 0 || manifest.block_size_bytes > most_block_bytes) {
    throw Error(ErrorKind::corrupt, fmt::format("an impossible block size: {}", manifest.block_size_bytes));
  }
  if (manifest.block_count > most_blocks) {
    throw Error(ErrorKind::corrupt, fmt::format("an impossible number of blocks: {}", manifest.block_count));
  }
}

}  // namespace

std::vector<PackEntry> used_packs(const Manifest& manifest) {
  auto packs = manifest.packs;
  std::erase_if(packs, [](const auto& pack) { return pack.is_unused(); });
  return packs;
}

std::set<std::uint32_t> named_tablespaces(const Manifest& manifest) {
  std::set<std::uint32_t> named;
  for (const auto& tablespace : manifest.tablespaces) named.insert(tablespace.oid);
  // Lines of "OID PATH"; a newline that belongs to a path stands behind a backslash.
  const auto& map = manifest.tablespace_map_text;
  for (std::size_t line = 0; line < map.size();) {
    std::uint32_t oid = 0;
    if (std::from_chars(map.data() + line, map.data() + map.size(), oid).ec == std::errc()) named.insert(oid);
    for (; line < map.size() && map[line] != '\n'; ++line) {
      if (map[line] == '\\') ++line;
    }
    ++line;
  }
  return named;
}

std::string encode_manifest(const Manifest& manifest) {
  auto document = new_document(manifest_format);
  put_summary(document, manifest.summary);
  put_source(document, manifest);
  put_storage(document, manifest);
  // Later issues fill these; readers of today ignore them.
  document["intent"] = nullptr;
  document["annotations"] = Json::object();
  return to_sealed_text(document);
}

Manifest decode_manifest(const std::string& text, const std::string& object) {
  return read_document(text, object, manifest_format, [&](const Json& document) {
    try {
      Manifest manifest;
      manifest.summary = summary_from(document);
      read_source(document, manifest);
      read_storage(document, manifest);
      return manifest;
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}", object, error.what()));
    }
  });
}

Manifest read_manifest(Storage& storage, const std::string& cluster, const std::string& label) {
  const auto name = manifest_name(cluster, label);
  if (!parse_backup_label(label) || !storage.size(name)) {
    throw Error(ErrorKind::not_found, fmt::format("cluster '{}' has no backup '{}'", cluster, label))
        .with_remedy("see what there is with: lifeboat list --repo LOCATION");
  }
  auto manifest = decode_manifest(read_document_text(storage, name), name);
  if (manifest.summary.cluster != cluster || manifest.summary.label != label) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: belongs to backup {} of cluster {}", name, manifest.summary.label,
                                                manifest.summary.cluster));
  }
  return manifest;
}

std::vector<std::string> list_backup_labels(Storage& storage, const std::string& cluster) {
  std::vector<std::string> labels;
  const auto prefix = backups_prefix(cluster);
  for (const auto& object : storage.list(prefix)) {
    const auto below = std::string_view(object.name).substr(prefix.size());
    const std::string label(below.substr(0, below.find('/')));
    if (parse_backup_label(label) && object.name == manifest_name(cluster, label)) labels.push_back(label);
  }
  return labels;
}

}  // namespace backup_engine::store

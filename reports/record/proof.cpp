#include "reports/record/proof.hpp"

#include "backup_engine/base/file.hpp"
#include "reports/record/json_fields.hpp"

namespace reports::record {

namespace fs = std::filesystem;

template <class Io>
void fields(Io& io, typename Io::template Ref<Sabotage> sabotage) {
  io("name", sabotage.name);
  io("check", sabotage.check);
  io("wanted", sabotage.wanted);
  io("object", sabotage.object);
  io("words", sabotage.words);
  io("key", sabotage.key);
  io("why_not", sabotage.why_not);
  io("broke", sabotage.broke);
  io.later("why_blind", sabotage.why_blind);
  io.later("seen_in", sabotage.seen_in);
}

namespace {

constexpr int proof_version = 1;

// proof/sabotages.json: written last, so that its presence says that the evidence beside it is whole.
struct ProofIndex {
  int version = proof_version;
  std::string target_type, target_value;
  bool target_inclusive = true;
  std::string broke;
  double seconds = 0;
  std::vector<Sabotage> sabotages;
  std::vector<std::string> astray;
};

template <class Io>
void fields(Io& io, typename Io::template Ref<ProofIndex> index) {
  io("proof_version", index.version);
  io("target_type", index.target_type);
  io("target_value", index.target_value);
  io("target_inclusive", index.target_inclusive);
  io("broke", index.broke);
  io("seconds", index.seconds);
  io("sabotages", index.sabotages);
  io.later("astray", index.astray);
}

fs::path folder_of(const fs::path& drill_directory) {
  return drill_directory / "proof";
}

fs::path index_of(const fs::path& drill_directory) {
  return folder_of(drill_directory) / "sabotages.json";
}

}  // namespace

void write_proof(const fs::path& drill_directory, const ProofEvidence& proof) {
  write_evidence(folder_of(drill_directory) / "untouched", proof.untouched);
  write_evidence(folder_of(drill_directory) / "sabotaged", proof.sabotaged);
  ProofIndex index{proof_version, proof.target.type, proof.target.value, proof.target.inclusive,
                   proof.broke,   proof.seconds,     proof.sabotages,    {}};
  for (const auto& [name, evidence] : proof.astray) {
    write_evidence(folder_of(drill_directory) / name, evidence);
    index.astray.push_back(name);
  }
  backup_engine::base::write_file_atomically(index_of(drill_directory), to_text(to_value(index)));
}

std::optional<ProofEvidence> read_proof(const fs::path& drill_directory) {
  using backup_engine::base::Error;
  const auto file = index_of(drill_directory);
  if (!fs::exists(file)) return std::nullopt;
  ProofIndex index;
  from_value(parse_json(backup_engine::base::read_file(file), file.string()), JsonPath(file.string()), index);
  if (index.version != proof_version) {
    throw Error(backup_engine::base::ErrorKind::unsupported,
                file.string() + ": proof_version " + std::to_string(index.version) + " is not known")
        .with_remedy("read it with the version of lifeboat that wrote it");
  }
  ProofEvidence proof;
  proof.sabotages = std::move(index.sabotages);
  proof.target.type = index.target_type;
  proof.target.value = index.target_value;
  proof.target.inclusive = index.target_inclusive;
  proof.broke = index.broke;
  proof.seconds = index.seconds;
  proof.untouched = read_evidence(folder_of(drill_directory) / "untouched");
  proof.sabotaged = read_evidence(folder_of(drill_directory) / "sabotaged");
  for (const auto& name : index.astray) {
    if (name.find('/') != std::string::npos) {
      throw Error(backup_engine::base::ErrorKind::corrupt, file.string() + ": '" + name + "' is no name of evidence");
    }
    proof.astray.emplace(name, read_evidence(folder_of(drill_directory) / name));
  }
  return proof;
}

}  // namespace reports::record

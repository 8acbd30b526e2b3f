#include "harness/scenario/scenario_file.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"

namespace harness::scenario {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

std::string read_scenario_file(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    throw Error(ErrorKind::usage, fmt::format("{}: there is no such scenario file", file.string()))
        .with_remedy("name a YAML file, or a directory that holds some");
  }
  return backup_engine::base::read_file(file);
}

std::string digest_of(std::string bytes, const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) bytes += fmt::format("\n{}={}", name, value);
  return backup_engine::base::sha256_hex(bytes);
}

Databases databases_of(const fs::path& fixtures, const std::string& dataset) {
  Databases result;
  try {
    const auto manifest = YAML::LoadFile((fixtures / "datasets" / dataset / "dataset.yaml").string());
    for (const auto& database : manifest["databases"]) result.names.push_back(database["name"].as<std::string>());
    result.load = manifest["load"]["database"].as<std::string>();
  } catch (const YAML::Exception&) {
    return {};
  }
  return result;
}

}  // namespace harness::scenario

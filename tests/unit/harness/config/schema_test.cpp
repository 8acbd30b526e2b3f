// scenarios/lifeboat.schema.json, which editors use, holds exactly the parser's keys.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "backup_engine/base/file.hpp"
#include "harness/config/language.hpp"
#include "tests/support/places.hpp"

namespace harness::config {
namespace {

using Json = nlohmann::json;
using Names = std::set<std::string>;

Json schema() {
  return Json::parse(backup_engine::base::read_file(tests::source_directory() / "scenarios/lifeboat.schema.json"));
}

const std::map<std::string, std::span<const Key>> mappings{{"cluster", cluster_keys},
                                                           {"defaults", default_keys},
                                                           {"objectives", objective_keys},
                                                           {"promise", promise_keys},
                                                           {"contact", contact_keys}};

void expect_same_keys(const Json& part, std::span<const Key> keys) {
  Names delivered, required, properties;
  for (const auto& key : keys) {
    if (key.standing != Standing::not_delivered) delivered.emplace(key.name);
    if (key.standing == Standing::required) required.emplace(key.name);
  }
  for (const auto& [name, value] : part.at("properties").items()) properties.insert(name);
  EXPECT_EQ(properties, delivered);
  EXPECT_EQ(part.value("required", Names()), required);
  EXPECT_EQ(part.at("additionalProperties"), false);
}

TEST(ConfigSchema, HasTheParsersKeysInEveryMapping) {
  const auto whole = schema();
  expect_same_keys(whole, config_keys);
  for (const auto& [name, keys] : mappings) {
    SCOPED_TRACE(name);
    expect_same_keys(whole.at("definitions").at(name), keys);
  }
}

TEST(ConfigSchema, HasNoMappingThatTheParserDoesNotKnow) {
  const auto definitions = schema().at("definitions");
  for (const auto& [name, definition] : definitions.items()) {
    EXPECT_EQ(definition.contains("properties"), mappings.contains(name)) << name;
  }
}

TEST(ConfigSchema, LetsDefaultsSayWhatAClusterSaysOfTheSameName) {
  const auto definitions = schema().at("definitions");
  for (const auto& [name, value] : definitions.at("defaults").at("properties").items()) {
    EXPECT_EQ(value, definitions.at("cluster").at("properties").at(name)) << name;
  }
}

}  // namespace
}  // namespace harness::config

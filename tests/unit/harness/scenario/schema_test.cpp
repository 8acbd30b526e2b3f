// scenarios/scenario.schema.json, which editors use, holds exactly the parser's words.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/version.hpp"
#include "harness/scenario/draw.hpp"
#include "harness/scenario/language.hpp"
#include "tests/support/places.hpp"

namespace harness::scenario {
namespace {

using Json = nlohmann::json;
using Names = std::set<std::string>;

Json schema() {
  return Json::parse(backup_engine::base::read_file(tests::source_directory() / "scenarios/scenario.schema.json"));
}

Names names(std::span<const Key> keys, bool required_only) {
  Names result;
  for (const auto& key : keys) {
    const bool listed = required_only ? key.standing == Standing::required : key.standing != Standing::not_delivered;
    if (listed) result.emplace(key.name);
  }
  return result;
}

template <typename Meaning, std::size_t Size>
Names delivered(const std::array<Word<Meaning>, Size>& words) {
  Names result;
  for (const auto& word : words) {
    if (word.meaning) result.emplace(word.text);
  }
  return result;
}

const std::map<std::string, std::span<const Key>> mappings{{"provisioned_source", source_keys},
                                                           {"stored_source", stored_source_keys},
                                                           {"repository", repository_keys},
                                                           {"provision", provision_keys},
                                                           {"load_profile", load_profile_keys},
                                                           {"wal", wal_keys},
                                                           {"step", step_keys},
                                                           {"load_step", load_step_keys},
                                                           {"restore", restore_keys},
                                                           {"backup_step", backup_step_keys},
                                                           {"target", target_keys},
                                                           {"sql_check", sql_check_keys},
                                                           {"expect", expect_keys},
                                                           {"corrupt_page", corrupt_page_keys},
                                                           {"encrypt_files", encrypt_files_keys},
                                                           {"objectives", objective_keys},
                                                           {"size_objectives", size_objective_keys}};

void expect_same_keys(const Json& part, std::span<const Key> keys) {
  Names properties;
  for (const auto& [name, value] : part.at("properties").items()) properties.insert(name);
  EXPECT_EQ(properties, names(keys, false));
  EXPECT_EQ(part.value("required", Names()), names(keys, true));
  EXPECT_EQ(part.at("additionalProperties"), false);
}

TEST(ScenarioSchema, HasTheParsersKeysInEveryMapping) {
  const auto whole = schema();
  expect_same_keys(whole, scenario_keys);
  for (const auto& [name, keys] : mappings) {
    SCOPED_TRACE(name);
    expect_same_keys(whole.at("definitions").at(name), keys);
  }
}

// What a random scenario draws is required of every other, and refused in it.
TEST(ScenarioSchema, TellsRandomScenariosFromWrittenOnes) {
  const auto whole = schema();
  EXPECT_EQ(whole.at("if").at("properties").at("random").at("const"), true);
  EXPECT_EQ(whole.at("else").at("required"), Json({"restore"}));
  const auto& then = whole.at("then");
  for (const auto* const key : drawn_keys) EXPECT_EQ(then.at("properties").at(key), false) << key;
  for (const auto* const key : drawn_source_keys) {
    EXPECT_EQ(then.at("properties").at("source").at("properties").at(key), false) << key;
  }
}

TEST(ScenarioSchema, HasNoMappingThatTheParserDoesNotKnow) {
  const auto whole = schema();
  for (const auto& [name, definition] : whole.at("definitions").items()) {
    if (name == "disaster") continue;  // its keys are words: HasADisasterForEachWord
    EXPECT_EQ(definition.contains("properties"), mappings.contains(name)) << name;
  }
}

TEST(ScenarioSchema, HasTheParsersWords) {
  const auto whole = schema();
  const auto& definitions = whole.at("definitions");
  const auto words = [&](const std::string& mapping, const std::string& key) {
    return definitions.at(mapping).at("properties").at(key).at("enum").get<Names>();
  };
  EXPECT_EQ(words("wal", "by"), delivered(transport_words));
  EXPECT_EQ(words("backup_step", "by"), delivered(method_words));
  EXPECT_EQ(words("restore", "kind"), delivered(restore_words));
  EXPECT_EQ(words("restore", "action"), delivered(action_words));
  EXPECT_EQ(words("restore", "into"), delivered(placement_words));
  EXPECT_EQ(words("restore", "struck_by"), delivered(strike_words));
  EXPECT_EQ(words("expect", "refused"), Names(refusal_words.begin(), refusal_words.end()));
  EXPECT_EQ(words("corrupt_page", "checksum"), delivered(checksum_words));
  EXPECT_EQ(definitions.at("backup_type").at("enum").get<Names>(), delivered(backup_words));
  EXPECT_EQ(definitions.at("target_word").at("enum").get<Names>(), delivered(target_words));
  EXPECT_EQ(definitions.at("check_word").at("enum").get<Names>(), delivered(check_words));
}

TEST(ScenarioSchema, HasADisasterForEachWord) {
  const auto definitions = schema().at("definitions");
  Names plain, with_argument;
  for (const auto& word : disaster_words) (word.meaning == Argument::none ? plain : with_argument).emplace(word.text);
  EXPECT_EQ(definitions.at("step").at("properties").at("disaster").at("anyOf").at(0).at("enum").get<Names>(), plain);
  Names keys;
  for (const auto& [name, value] : definitions.at("disaster").at("properties").items()) keys.insert(name);
  EXPECT_EQ(keys, with_argument);
}

TEST(ScenarioSchema, HasAKeyForEachKindOfPoint) {
  const auto properties = schema().at("definitions").at("target").at("properties");
  for (const auto& word : point_words) EXPECT_TRUE(properties.contains(word.text)) << word.text;
  EXPECT_EQ(properties.size(), point_words.size() + 1);  // and inclusive
}

TEST(ScenarioSchema, HasTheSupportedMajors) {
  const auto postgres = schema().at("definitions").at("provision").at("properties").at("postgres");
  EXPECT_EQ(postgres.at("minimum"), backup_engine::postgres::oldest_supported_major);
  EXPECT_EQ(postgres.at("maximum"), backup_engine::postgres::newest_supported_major);
}

}  // namespace
}  // namespace harness::scenario

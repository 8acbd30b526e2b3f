// ${…} in a scenario's values: what it stands for, and how what has no value is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const Variables of_main{{{"cluster", "main"}, {"repository", "/srv/${cluster}"}, {"rto", "30min"}},
                        "the cluster main of lifeboat.yaml"};

std::string claimed(const std::string& claim) {
  return with("It comes back.", claim);
}

Scenario filled(const std::string& text, const Variables& variables = of_main) {
  const WrittenScenario written(text);
  return parse_scenario(written.file(), written.fixtures(), variables);
}

std::string refusal(const std::string& text, const Variables& variables = of_main) {
  const WrittenScenario written(text);
  try {
    static_cast<void>(parse_scenario(written.file(), written.fixtures(), variables));
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
    return std::string(error.what()).substr(written.file().string().size() + 1) + " | " + error.remedy();
  }
  return "accepted";
}

TEST(Variables, AreReplacedAnywhereInAValue) {
  EXPECT_EQ(filled(claimed("${cluster} of ${repository:-nowhere} in ${rto}.")).claim,
            "main of /srv/${cluster} in 30min.");
}

TEST(Variables, TakeTheirDefaultWhenNobodyGivesAValue) {
  EXPECT_EQ(filled(claimed("${cluster:-the cluster} by ${slot:-}none")).claim, "main by none");
  EXPECT_EQ(filled(claimed("${cluster:-the cluster}"), {}).claim, "the cluster");
}

TEST(Variables, CountAsWrittenWithoutTheQuotesThatYamlWants) {
  const auto scenario = filled(with("dataset: ecommerce", "dataset: ecommerce, scale: \"${slot:-7}\""));
  EXPECT_EQ(scenario.source.provision.scale, 7);
}

TEST(Variables, LeaveAKeyOutWhoseValueBecomesEmpty) {
  const auto text = std::string(sound_scenario) + "objectives: { rto: \"${rto}\", rpo: \"${rpo:-}\" }\n";
  EXPECT_EQ(filled(text).objectives.rto, Seconds(1800));
  EXPECT_FALSE(filled(text).objectives.rpo);
}

TEST(Variables, AreFilledOnceWhereAnAliasRepeatsAValue) {
  const auto settings = filled(with("dataset: ecommerce",
                                    "dataset: ecommerce, settings: { my.one: &one \"${repository}\", my.two: *one }"))
                            .source.provision.settings;
  EXPECT_EQ(settings.at("my.one"), "/srv/${cluster}");
  EXPECT_EQ(settings.at("my.two"), "/srv/${cluster}");
}

TEST(Variables, AreWrittenAsTheyStandAfterASecondDollar) {
  const auto scenario = filled(claimed("costs $${cluster} and $5"));
  EXPECT_EQ(scenario.claim, "costs ${cluster} and $5");
  EXPECT_THAT(scenario.variables, IsEmpty());
}

TEST(Variables, ThatFilledItAreKnownAndBelongToTheDigest) {
  const auto text = claimed("${cluster} in ${rto:-1h}, ${slot:-any slot}");
  auto other = of_main;
  other.values["rto"] = "1h";
  EXPECT_THAT(filled(text).variables, UnorderedElementsAre(std::pair("cluster", "main"), std::pair("rto", "30min")));
  EXPECT_NE(filled(text).digest, filled(text, other).digest);
  EXPECT_EQ(filled(claimed("none")).digest, filled(claimed("none"), other).digest);
}

TEST(Variables, WithoutAValueAreRefusedWhereTheyStand) {
  EXPECT_THAT(refusal(claimed("${cluster}"), {}), AllOf(StartsWith("2:8: the variable cluster has no value"),
                                                        HasSubstr("--cluster"), HasSubstr("${cluster:-VALUE}")));
  EXPECT_THAT(refusal(claimed("${pgdata}")),
              StartsWith("2:8: the variable pgdata has no value: the cluster main of lifeboat.yaml does not say it"));
}

TEST(Variables, OfUnknownNamesAreRefusedEvenWithADefault) {
  EXPECT_THAT(refusal(claimed("${repositry:-/srv}")),
              AllOf(StartsWith("2:8: unknown variable \"repositry\""), HasSubstr("did you mean \"repository\"?")));
}

TEST(Variables, ThatAreNotClosedAreRefused) {
  EXPECT_THAT(refusal(claimed("${cluster")), StartsWith("2:8: a variable is not closed"));
}

TEST(Variables, WithoutQuotesInBracesAreExplained) {
  EXPECT_THAT(refusal(with("{ for: 1s }", "{ for: ${rto} }")), HasSubstr("a variable stands in quotes: \"${name}\""));
}

TEST(VariablesOf, NamesWhatAFileUses) {
  const WrittenScenario written(claimed("${cluster} ${slot:-x} $${rto}"));
  EXPECT_THAT(variables_of(written.file()), UnorderedElementsAre("cluster", "slot"));
}

}  // namespace
}  // namespace harness::scenario

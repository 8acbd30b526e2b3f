#include "harness/cli/listing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace harness::cli {
namespace {

namespace base = backup_engine::base;
namespace postgres = backup_engine::postgres;

using testing::AllOf;
using testing::HasSubstr;

const auto now = *base::parse_rfc3339("2026-11-20T03:17:21Z");

backup_engine::ClusterSummary cluster() {
  backup_engine::ClusterSummary summary;
  summary.name = "main";
  summary.system_identifier = 7'300'000'000'000'000'001ULL;
  summary.postgres_major = 15;
  backup_engine::BackupSummary backup;
  backup.label = "20261120T021500Z-full";
  backup.source_bytes = 2'000'000;
  backup.stored_bytes = 1'000'000;
  backup.start_lsn = postgres::Lsn(0x2000028);
  backup.stop_lsn = postgres::Lsn(0x2000100);
  summary.backups.push_back(backup);
  summary.running.push_back({"20261120T031500Z-incr",
                             {backup.label},
                             "root",
                             "db1",
                             4711,
                             *base::parse_rfc3339("2026-11-20T03:15:01Z"),
                             postgres::TimelineId(1),
                             postgres::Lsn(0x3000028)});
  summary.wal.push_back({postgres::TimelineId(1), postgres::Lsn(0x1000000), postgres::Lsn(0x4000000)});
  return summary;
}

TEST(ListingText, SaysWhoTakesABackupSinceWhenWhatItHoldsAndHowToTakeItAway) {
  EXPECT_EQ(
      listing_text({cluster()}, {}, now),
      "main  PostgreSQL 15, system identifier 7300000000000000001\n"
      "  backup 20261120T021500Z-full  2.0 MB stored as 1.0 MB, WAL 0/2000028 to 0/2000100\n"
      "  running 20261120T031500Z-incr  lifeboat backup by root on db1 (process 4711) since "
      "2026-11-20T03:15:01.000000Z, for 2 min 20 s; holds 20261120T021500Z-full and WAL from 0/3000028 on timeline 1\n"
      "          (when one of these runs no more: lifeboat expire --cluster main --revoke LABEL)\n"
      "  wal    timeline 1  0/1000000 to 0/4000000\n");
}

TEST(ListingText, HasNoWordOfRunningBackupsWhereThereAreNone) {
  auto idle = cluster();
  idle.running.clear();
  idle.unreadable.push_back("clusters/main/intents/20261120T031500Z-incr.json: cut short");
  const auto text = listing_text({idle}, {}, now);
  EXPECT_EQ(text.find("running"), std::string::npos);
  EXPECT_EQ(text.find("--revoke"), std::string::npos);
  EXPECT_NE(text.find("  CANNOT BE READ: clusters/main/intents/"), std::string::npos);
}

TEST(ListingText, WarnsOfABackupThatHoldsDamagedPages) {
  auto damaged = cluster();
  damaged.backups[0].damaged_pages = 2;
  EXPECT_NE(listing_text({damaged}, {}, now)
                .find("0/2000100\n    warning: it holds 2 damaged pages as its source had them (lifeboat verify names "
                      "them); a restore without --backup begins from an older one"),
            std::string::npos)
      << listing_text({damaged}, {}, now);
}

TEST(VerifyListing, NamesThePagesThatWereDamagedOnTheSource) {
  backup_engine::VerifyResult result;
  auto& backup = result.backups.emplace_back();
  backup.label = "20261120T021500Z-full";
  backup.restorable = true;
  backup.damaged_pages = {{"base/5/16384", 3}, {"base/5/16384.1", 7}};
  const auto text = verify_text(result);
  EXPECT_NE(
      text.find("  warning: it holds 2 damaged pages (base/5/16384 block 3, base/5/16384.1 block 7) as its source "
                "had them\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("no damage found"), std::string::npos) << "the repository holds what it was given";
  EXPECT_EQ(nlohmann::json::parse(verify_json(result)).at("backups")[0].at("damaged_pages"),
            nlohmann::json::parse(R"([{"file": "base/5/16384", "block": 3}, {"file": "base/5/16384.1", "block": 7}])"));
}

TEST(ListingJson, HasEveryRunningBackup) {
  const auto listed = nlohmann::json::parse(listing_json({cluster()}, {}, {}, now));
  EXPECT_EQ(listed.at("clusters")[0].at("running"), nlohmann::json::parse(R"([{
    "label": "20261120T031500Z-incr", "verb": "backup", "user": "root", "host": "db1", "pid": 4711,
    "since": "2026-11-20T03:15:01.000000Z", "age_seconds": 140.0, "chain": ["20261120T021500Z-full"],
    "timeline": 1, "start_lsn": "0/3000028"}])"));
}

TEST(Listings, WarnOfADatabaseThatWasCopiedAsFilesMeanwhile) {
  const backup_engine::CopiedDatabase copied{postgres::Lsn(0x2000060), 16500, 16400, "fresh", ""};
  const auto copies_with = [&](const backup_engine::CopiedDatabases& known) {
    return CopiesByCluster{{"main", {{"20261120T021500Z-full", known}}}};
  };
  const auto text = listing_text({cluster()}, copies_with(std::vector{copied}), now);
  EXPECT_THAT(text, HasSubstr("0/2000100\n    warning: the database \"fresh\" (OID 16500) was made while"));
  EXPECT_THAT(text, AllOf(HasSubstr("of the database with OID 16400"), HasSubstr("WAL 0/2000060"),
                          HasSubstr("Take another backup"), HasSubstr("pg_amcheck")));
  const auto in_json = [&](const backup_engine::CopiedDatabases& known) {
    const auto listed = nlohmann::json::parse(listing_json({cluster()}, copies_with(known), {}, now));
    return listed.at("clusters")[0].at("backups")[0].at("copied_databases");
  };
  const auto json = in_json(std::vector{copied})[0];
  EXPECT_EQ(json.at("oid"), 16500);
  EXPECT_EQ(json.at("name"), "fresh");
  EXPECT_EQ(json.at("from_oid"), 16400);
  EXPECT_TRUE(json.at("from_name").is_null());
  EXPECT_TRUE(in_json(std::nullopt).is_null()) << "not known";

  backup_engine::VerifyResult result;
  result.backups.push_back({"main", "20261120T021500Z-full", true, "", {}, {copied}});
  EXPECT_THAT(verify_text(result), AllOf(HasSubstr("full: restorable\n  warning: the database \"fresh\" (OID"),
                                         HasSubstr("no damage found")));
  result.backups[0].copied_databases[0].name = "\xe9t\xe9";  // of a server that is not UTF-8
  EXPECT_EQ(nlohmann::json::parse(verify_json(result)).at("backups")[0].at("copied_databases")[0].at("oid"), 16500);
}

TEST(Listings, SayOfAMovedDatabaseThatItWasMoved) {
  const backup_engine::CopiedDatabase moved{postgres::Lsn(0x2000060), 16500, 16500, "shop", "shop", true};
  const CopiesByCluster copies{{"main", {{"20261120T021500Z-full", std::vector{moved}}}}};
  EXPECT_THAT(listing_text({cluster()}, copies, now),
              AllOf(HasSubstr("the database \"shop\" (OID 16500) was moved while"), HasSubstr("a part, or nothing")));
}

TEST(ListingJson, GivesNoNegativeAgeWhereTheOtherHostsClockIsAhead) {
  const auto earlier = now - std::chrono::hours(1);
  const auto listed = nlohmann::json::parse(listing_json({cluster()}, {}, {}, earlier));
  EXPECT_EQ(listed.at("clusters")[0].at("running")[0].at("age_seconds"), 0.0);
}

}  // namespace
}  // namespace harness::cli

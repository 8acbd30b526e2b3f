#include "harness/workload/dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "tests/support/places.hpp"

namespace harness::workload {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::HasSubstr;

const fs::path fixtures = tests::source_directory() / "fixtures";

TEST(ReadDataset, KnowsTheShippedOnes) {
  const auto shop = read_dataset(fixtures, "ecommerce");
  EXPECT_EQ(shop.databases.size(), 2U);
  EXPECT_EQ(shop.load_database, "shop");
  EXPECT_THAT(shop.transactions, ::testing::Contains(BusinessTransaction{"shop.place_order", 44}));
  const auto bench = read_dataset(fixtures, "pgbench");
  EXPECT_EQ(bench.databases.at(0).program, TableProgram::pgbench);
  EXPECT_EQ(bench.load_database, "bench");
}

TEST(ReadDataset, NamesTheFolderWhenThereIsNoSuchDataset) {
  for (const auto* name : {"nothing", "", "../datasets/ecommerce"}) {
    try {
      static_cast<void>(read_dataset(fixtures, name));
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::not_found);
      EXPECT_THAT(error.remedy(), HasSubstr("fixtures/datasets"));
    }
  }
}

// The message of the error that a manifest with this text gives.
std::string complaint(const std::string& text) {
  const backup_engine::base::TemporaryDirectory directory(fs::temp_directory_path(), "lifeboat-dataset");
  fs::create_directories(directory.path() / "datasets" / "toy");
  backup_engine::base::write_file_atomically(directory.path() / "datasets" / "toy" / "toy.sql", "SELECT 1");
  backup_engine::base::write_file_atomically(directory.path() / "datasets" / "toy" / "dataset.yaml", text);
  try {
    static_cast<void>(read_dataset(directory.path(), "toy"));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

const std::string toy = "dataset: toy\nabout: A toy.\ndatabases: [{ name: toy, sql: [toy.sql] }]\n";
const std::string load = "load: { database: toy, transactions: { toy.play: 1 } }\n";

TEST(ReadDataset, AcceptsASmallManifest) {
  EXPECT_EQ(complaint(toy + load), "");
}

TEST(ReadDataset, RefusesAWrongManifestAndSaysWhere) {
  EXPECT_THAT(complaint(toy + load + "colour: red\n"), HasSubstr("dataset.yaml:5:1: unknown key 'colour'"));
  EXPECT_THAT(complaint(toy), HasSubstr("'load' is missing"));
  EXPECT_THAT(complaint(toy + "load: { database: other, transactions: { toy.play: 1 } }\n"),
              HasSubstr("no database 'other'"));
  EXPECT_THAT(complaint(toy + "load: { database: toy, transactions: { toy.play: 0 } }\n"),
              HasSubstr("positive integer"));
  EXPECT_THAT(complaint(toy + "load: { database: toy, transactions: {} }\n"), HasSubstr("no transaction"));
  EXPECT_THAT(complaint("dataset: toy\nabout: A toy.\ndatabases: [{ name: toy, sql: [no.sql] }]\n" + load),
              HasSubstr("there is no file"));
  EXPECT_THAT(complaint("dataset: ball\nabout: A ball.\ndatabases: []\n" + load), HasSubstr("the folder is 'toy'"));
  EXPECT_THAT(complaint("dataset: [unclosed\n"), HasSubstr("dataset.yaml:"));
}

}  // namespace
}  // namespace harness::workload

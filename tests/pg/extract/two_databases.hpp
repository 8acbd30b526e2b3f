// A live database and what a scratch server would hold, as two databases of one server, made anew for each test from
// the ecommerce dataset with every other kind of object (more_objects.sql). A third one stays as the source was at the
// mark: results are judged against it, by pg_dump's text and by digests of rows, never against the scratch database.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/extract.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"

namespace harness::extract {

class TwoDatabases : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  TwoDatabases();
  ~TwoDatabases() override;

  // From "scratch" where that was made, or has to be; whole tables that are to replace others change nothing there, so
  // that "source" itself can serve.
  [[nodiscard]] Order order(Placement placement, std::vector<std::string> tables);
  static void make_scratch(const std::string& harm = "");
  // Fails the test with everything that the error says.
  Extracted extracted(const Order& order);

  static void live(const std::string& sql) { run("live", sql); }
  static void run(const std::string& database, const std::string& sql);
  [[nodiscard]] static std::string ask(const std::string& database, const std::string& sql);
  [[nodiscard]] static std::string ask_live(const std::string& sql) { return ask("live", sql); }
  [[nodiscard]] static std::string conninfo(const std::string& database);

  // pg_dump --schema-only of the whole database, or of what the arguments choose.
  [[nodiscard]] static std::string definitions(const std::string& database,
                                               const std::vector<std::string>& chosen = {});
  // A digest of each table's rows and each sequence's position: "shop.orders" → …
  [[nodiscard]] static std::map<std::string, std::string> content(const std::string& database);
  // Both databases hold the same, to the last attribute.
  static void expect_alike(const std::string& database, const std::string& as_in);
  [[nodiscard]] static std::vector<std::string> words_of(const std::vector<reports::record::Finding>& findings);

  static server::Server& server();
  static const server::Installation& installation();

 private:
  std::optional<server::OwnedDirectory> work_;

 protected:
  backup_engine::base::NoProgress progress_;
};

}  // namespace harness::extract

#include "backup_engine/backup/configuration_capture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/temporary_directory.hpp"

namespace backup_engine::backup {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class CaptureConfiguration : public testing::Test {
 protected:
  CaptureConfiguration()
      : temporary_("/var/tmp", "lifeboat-test"), data_(temporary_.path() / "data"), etc_(temporary_.path() / "etc") {
    fs::create_directories(data_);
    fs::create_directories(etc_ / "conf.d");
    for (const auto* const name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) write(data_ / name, "");
    places_ = {data_, data_ / "postgresql.conf", data_ / "pg_hba.conf", data_ / "pg_ident.conf"};
  }
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

  base::TemporaryDirectory temporary_;
  fs::path data_, etc_;
  ConfigurationPlaces places_;
};

TEST_F(CaptureConfiguration, LeavesFilesInTheDataDirectoryAlone) {
  write(data_ / "postgresql.conf", "shared_buffers = 1GB\ninclude_if_exists 'more.conf'\n");
  write(data_ / "more.conf", "port = 1\n");
  const auto captured = capture_configuration(places_, local_configuration());
  EXPECT_TRUE(captured.links.empty());
  EXPECT_TRUE(captured.files.empty());
}

TEST_F(CaptureConfiguration, TakesWhatLiesOutsideWithItsIncludes) {
  places_.config_file = etc_ / "postgresql.conf";
  places_.hba_file = etc_ / "pg_hba.conf";
  places_.ident_file = etc_ / "pg_ident.conf";
  write(etc_ / "postgresql.conf", "include_dir 'conf.d'\ninclude_if_exists = 'absent.conf'\n");
  write(etc_ / "conf.d" / "b.conf", "port = 2\n");
  write(etc_ / "conf.d" / "a.conf", "port = 1\n");
  write(etc_ / "conf.d" / "notes.txt", "port = 3\n");
  write(etc_ / "pg_hba.conf", "local all all trust\n");
  write(etc_ / "pg_ident.conf", "");
  const auto captured = capture_configuration(places_, local_configuration());
  EXPECT_THAT(captured.files, ElementsAre(etc_ / "postgresql.conf", etc_ / "conf.d" / "a.conf",
                                          etc_ / "conf.d" / "b.conf", etc_ / "pg_hba.conf", etc_ / "pg_ident.conf"));
  ASSERT_EQ(captured.links.size(), 3U);
  EXPECT_EQ(captured.links[0].name, "postgresql.conf");
  EXPECT_EQ(captured.links[0].target, etc_ / "postgresql.conf");
}

TEST_F(CaptureConfiguration, TakesAnInnerFileThatIncludesAnOuterOne) {
  write(data_ / "postgresql.conf", "include '" + (etc_ / "site.conf").string() + "'\n");
  write(etc_ / "site.conf", "port = 1\n");
  const auto captured = capture_configuration(places_, local_configuration());
  EXPECT_THAT(captured.files, ElementsAre(data_ / "postgresql.conf", etc_ / "site.conf"));
}

TEST_F(CaptureConfiguration, TakesAnInnerFileThatNamesItsOwnPlace) {
  write(data_ / "postgresql.conf", "data_directory = '" + data_.string() + "'\n");
  const auto captured = capture_configuration(places_, local_configuration());
  ASSERT_EQ(captured.links.size(), 1U);
  EXPECT_EQ(captured.links[0].target, data_ / "postgresql.conf");
}

TEST_F(CaptureConfiguration, TakesAnInnerFileUnderAnotherName) {
  places_.hba_file = data_ / "access.conf";
  write(data_ / "access.conf", "local all all trust\n");
  const auto captured = capture_configuration(places_, local_configuration());
  ASSERT_EQ(captured.links.size(), 1U);
  EXPECT_EQ(captured.links[0].name, "pg_hba.conf");
}

}  // namespace
}  // namespace backup_engine::backup

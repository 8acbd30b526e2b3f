#include "harness/config/location.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::config {
namespace {

namespace fs = std::filesystem;

class FindConfig : public testing::Test {
 protected:
  FindConfig() {
    for (const auto* const name : {"here", "etc"}) fs::create_directory(directory_.path() / name);
    around_.working_directory = directory_.path() / "here";
    around_.system_directory = directory_.path() / "etc";
  }

  fs::path written(const fs::path& name) {
    const auto file = directory_.path() / name;
    std::ofstream(file) << "clusters: {}\n";
    ::chmod(file.c_str(), 0644);
    return file;
  }

  std::string refusal() const {
    try {
      static_cast<void>(find_config(around_));
    } catch (const backup_engine::base::Error& error) {
      EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
      EXPECT_FALSE(error.remedy().empty());
      return error.what();
    }
    return "found";
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-config"};
  Surroundings around_;
};

TEST_F(FindConfig, FindsNothingWhereNothingIs) {
  EXPECT_EQ(find_config(around_), std::nullopt);
}

TEST_F(FindConfig, TakesTheFirstPlaceThatHasOne) {
  const auto system = written("etc/lifeboat.yaml");
  EXPECT_EQ(find_config(around_), system);
  const auto here = written("here/lifeboat.yaml");
  EXPECT_EQ(find_config(around_), here);
  around_.environment = written("of-the-environment.yaml");
  EXPECT_EQ(find_config(around_), around_.environment);
  around_.given = written("given.yaml");
  EXPECT_EQ(find_config(around_), around_.given);
}

TEST_F(FindConfig, RefusesANamedFileThatIsNotThere) {
  written("etc/lifeboat.yaml");
  around_.environment = "/no/such.yaml";
  EXPECT_EQ(refusal(), "there is no configuration /no/such.yaml (LIFEBOAT_CONFIG)");
  around_.given = "/no/other.yaml";
  EXPECT_EQ(refusal(), "there is no configuration /no/other.yaml (--config)");
}

TEST_F(FindConfig, RefusesAFileThatNobodyNamedAndEverybodyCanWrite) {
  const auto here = written("here/lifeboat.yaml");
  ::chmod(here.c_str(), 0666);
  EXPECT_THAT(refusal(), testing::HasSubstr("can be written by everybody"));
  around_.given = here;
  EXPECT_EQ(find_config(around_), here);
}

}  // namespace
}  // namespace harness::config

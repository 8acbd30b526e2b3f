#include "harness/restore/served_wal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "backup_engine/base/temporary_directory.hpp"
#include "tests/support/failure.hpp"

namespace harness::restore {
namespace {

using backup_engine::base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

class WalOfARepository : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  backup_engine::base::TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "lifeboat-served"};
  const process::OsUser caller_{"caller", ::geteuid(), ::getegid()};
};

TEST_F(WalOfARepository, IsServedToNobodyWhoRunsServersAsTheCaller) {
  EXPECT_EQ(ServedWal::where_needed({path("repository"), "main", {}}, std::nullopt, Surroundings::shared), nullptr);
  for (const auto surroundings : {Surroundings::shared, Surroundings::isolated}) {
    EXPECT_EQ(ServedWal::where_needed({path("repository"), "main", {}}, caller_, surroundings), nullptr);
  }
}

TEST_F(WalOfARepository, MustBeReadableByACallerWhoCouldNotServeIt) {
  const auto complaint = [&](const std::filesystem::path& repository, const std::filesystem::path& key_file) {
    std::string message;
    EXPECT_EQ(tests::kind_of_failure([&] { require_readable(repository, key_file, caller_); }, &message),
              ErrorKind::usage);
    return message;
  };
  std::ofstream(path("key")) << "a key";
  EXPECT_THAT(complaint(path("absent"), {}), AllOf(HasSubstr("cannot read the repository"), HasSubstr("absent")));
  EXPECT_THAT(complaint(directory_.path(), path("absent")),
              AllOf(HasSubstr("cannot read the key file"), HasSubstr("absent")));
  require_readable(directory_.path(), path("key"), caller_);
  require_readable(path("absent"), path("absent"), process::OsUser{"other", ::geteuid() + 1, ::getegid()});
}

}  // namespace
}  // namespace harness::restore

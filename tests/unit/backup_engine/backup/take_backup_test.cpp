// What a backup refuses before it asks a server for anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/backup.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "tests/support/failure.hpp"

namespace backup_engine {
namespace {

using testing::HasSubstr;

// No server listens at that place: a backup that asked it would fail with another kind of error.
TEST(TakeBackup, RefusesANameThatIsNoClustersBeforeItConnects) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-test");
  const auto repository = (directory.path() / "repository").string();
  init_repository({repository});
  for (const auto& name : {std::string(), std::string("a/b"), std::string(".."), std::string(".x"), std::string("-x"),
                           std::string(64, 'a'), std::string("\xC3\xBCn\xC3\xAF")}) {
    for (const auto& pgdata : {std::string(), directory.path().string()}) {
      BackupRequest request;
      request.repository = {repository};
      request.cluster = name;
      request.conninfo = "host=" + directory.path().string();
      request.pgdata = pgdata;
      base::NoProgress progress;
      std::string message;
      EXPECT_EQ(tests::kind_of_failure([&] { (void)take_backup(request, progress); }, &message),
                base::ErrorKind::usage);
      EXPECT_THAT(message, HasSubstr("'" + name + "'"));
    }
  }
}

}  // namespace
}  // namespace backup_engine

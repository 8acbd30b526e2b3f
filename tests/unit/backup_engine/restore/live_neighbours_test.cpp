// Restores beside running servers: whose files a place belongs to that only --tablespace-map or --to names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/restore/running_server.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"
#include "tests/unit/backup_engine/restore/working_process.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

class RestoreBesideAServer : public testing::Test {
 protected:
  RestoreBesideAServer() { static_cast<void>(make_small_backup(repository(), {"/srv/fast", ""})); }

  void restore(const RestoreRequest& wanted) {
    base::NoProgress progress;
    static_cast<void>(restore_backup(wanted, progress));
  }
  std::string refusal(const RestoreRequest& wanted) {
    return tests::refusal([&] { restore(wanted); }, ErrorKind::usage);
  }
  [[nodiscard]] RestoreRequest request(const fs::path& to, const fs::path& space) const {
    auto made = request_for(repository(), to);
    made.tablespace_map = {{"/srv/fast", space}};
    return made;
  }
  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] fs::path repository() const { return path("repository"); }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

// Somebody copied the data directory; the copy's links lead to the live server's tablespaces.
TEST_F(RestoreBesideAServer, LeavesATablespaceAloneThatItUsesThoughACopysLinkLeadsThere) {
  restore(request(path("live"), path("space")));
  fs::copy(path("live"), path("copy"), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const auto file = path("space") / "PG_15_202209061" / "16390";
  std::ofstream(file) << "newer";
  auto over_the_copy = request(path("copy"), path("space"));
  over_the_copy.existing = ExistingFiles::compare;
  over_the_copy.confirmed_system_identifier = 42;
  {
    const WorkingProcess live(path("live"), "postgres");
    for (const auto existing : {ExistingFiles::compare, ExistingFiles::set_aside}) {
      over_the_copy.existing = existing;
      EXPECT_THAT(refusal(over_the_copy),
                  AllOf(HasSubstr(path("space")), HasSubstr("process " + std::to_string(live.id())),
                        HasSubstr("pg_tblspc/16388")));
    }
    EXPECT_EQ(base::read_file(file), "newer");
    EXPECT_TRUE(fs::exists(path("copy") / "global/pg_control")) << "nothing was touched";
    EXPECT_EQ(find_server_with_tablespace(path("elsewhere")), std::nullopt);
  }
  over_the_copy.existing = ExistingFiles::compare;
  restore(over_the_copy);
  EXPECT_EQ(fs::file_size(file), 9000U);
}

TEST_F(RestoreBesideAServer, GoesNowhereInsideAnotherClustersFiles) {
  restore(request(path("live"), path("space")));
  const auto inside = "PG_15_202209061";
  EXPECT_THAT(refusal(request(path("live") / "base" / "copy", path("new"))),
              AllOf(HasSubstr("another data directory"), HasSubstr(path("live"))));
  EXPECT_THAT(refusal(request(path("space") / inside / "copy", path("new"))), HasSubstr("a tablespace's directory"));
  EXPECT_THAT(refusal(request(path("copy"), path("live") / "spaces" / "one")), HasSubstr("another data directory"));
  EXPECT_THAT(refusal(request(path("copy"), path("space") / inside / "one")), HasSubstr("a tablespace's directory"));
  fs::create_directory_symlink(path("live"), path("link"));
  EXPECT_THAT(refusal(request(path("link") / "copy", path("new"))), HasSubstr("another data directory"));
  EXPECT_FALSE(fs::exists(path("copy")));
  EXPECT_FALSE(fs::exists(path("live") / "base" / "copy"));
}

}  // namespace
}  // namespace backup_engine::restore

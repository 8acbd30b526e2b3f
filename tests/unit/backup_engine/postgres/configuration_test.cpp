#include "backup_engine/postgres/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {
namespace {

namespace fs = std::filesystem;

std::string read_back(std::string_view line) {
  const auto setting = parse_setting(line);
  return setting ? setting->name + "=" + setting->value : "none";
}

TEST(ParseSetting, ReadsWhatPostgresqlReads) {
  EXPECT_EQ(read_back("shared_buffers = 128MB\n"), "shared_buffers=128MB");
  EXPECT_EQ(read_back("  Work_Mem=4MB # why"), "work_mem=4MB");
  EXPECT_EQ(read_back("port 5433"), "port=5433");
  EXPECT_EQ(read_back("restore_command = 'cp ''a'' %p' # x"), "restore_command=cp 'a' %p");
  EXPECT_EQ(read_back(R"(x.y = 'a\'b\\c\n\101')"), "x.y=a'b\\c\nA");
  EXPECT_EQ(read_back("include_dir 'conf.d'"), "include_dir=conf.d");
}

TEST(ParseSetting, PassesOverOtherLines) {
  for (const auto* const line : {"", "\n", "# port = 1", "   ", "port", "port =", "= 3", "port = 'open"}) {
    EXPECT_EQ(read_back(line), "none") << line;
  }
}

TEST(QuoteSetting, IsReadBackAsItWas) {
  for (const auto* const value : {"", "plain", "it's", "back\\slash", "'\\'", "%p and %%"}) {
    EXPECT_EQ(read_back(std::string("a = ") + quote_setting(value)), std::string("a=") + value);
  }
  EXPECT_THROW(static_cast<void>(quote_setting("two\nlines")), base::Error);
}

TEST(QuoteForShell, LeavesNothingToTheShellNorToPostgresql) {
  EXPECT_EQ(quote_for_shell("/srv/my repository"), "'/srv/my repository'");
  EXPECT_EQ(quote_for_shell("$(it's)"), R"('$(it'\''s)')");
  EXPECT_EQ(quote_for_shell("100%p"), "'100%%p'");
}

TEST(WithoutSettings, KeepsEverythingElseToTheByte) {
  EXPECT_EQ(without_settings("# a\nport = 1\r\nPORT = 2\n\nwork_mem='4MB'", {"port"}), "# a\n\nwork_mem='4MB'");
  EXPECT_EQ(without_settings("port = 1", {"port"}), "");
}

class Configuration : public testing::Test {
 protected:
  std::map<std::string, std::string> files_;
  ConfigurationReader reader_{[this](const fs::path& path) -> std::optional<std::string> {
                                const auto found = files_.find(path);
                                if (found == files_.end()) return std::nullopt;
                                return found->second;
                              },
                              [this](const fs::path& directory) {
                                std::vector<std::string> names;
                                for (const auto& [path, text] : files_) {
                                  if (fs::path(path).parent_path() == directory)
                                    names.push_back(fs::path(path).filename());
                                }
                                return names;
                              }};
};

TEST_F(Configuration, IsFlattenedInTheOrderInWhichItIsRead) {
  files_ = {{"/etc/pg/postgresql.conf", "a = 1\ninclude 'sub/one.conf'\nb = 2\ninclude_dir = 'conf.d'\nc = 3\n"},
            {"/etc/pg/sub/one.conf", "a = 10\ninclude 'two.conf'"},
            {"/etc/pg/sub/two.conf", "a = 20"},
            {"/etc/pg/conf.d/20.conf", "d = 20\n"},
            {"/etc/pg/conf.d/10.conf", "d = 10\n"},
            {"/etc/pg/conf.d/.hidden.conf", "d = 99\n"},
            {"/etc/pg/conf.d/readme", "d = 98\n"}};
  EXPECT_EQ(flatten("/etc/pg/postgresql.conf", ConfigurationKind::settings, reader_),
            "# from /etc/pg/postgresql.conf\na = 1\n# from /etc/pg/sub/one.conf\na = 10\n# from /etc/pg/sub/two.conf\n"
            "a = 20\nb = 2\n# from /etc/pg/conf.d/10.conf\nd = 10\n# from /etc/pg/conf.d/20.conf\nd = 20\nc = 3\n");
}

TEST_F(Configuration, ListsItsFilesAndLeavesOutMissingOnes) {
  files_ = {{"/a/postgresql.conf", "include_if_exists 'absent.conf'\ninclude '/b/x.conf'\n"},
            {"/b/x.conf", "port=1\n"}};
  EXPECT_THAT(included_files("/a/postgresql.conf", ConfigurationKind::settings, reader_),
              testing::ElementsAre("/a/postgresql.conf", "/b/x.conf"));
}

TEST_F(Configuration, ReadsIncludesOfAccessRecords) {
  files_ = {{"/a/pg_hba.conf", "local all all trust\ninclude \"more.conf\"\nhost includes all 0/0 reject\n"},
            {"/a/more.conf", "local x x peer\n"}};
  EXPECT_EQ(flatten("/a/pg_hba.conf", ConfigurationKind::records, reader_),
            "# from /a/pg_hba.conf\nlocal all all trust\n# from /a/more.conf\nlocal x x peer\nhost includes all 0/0 "
            "reject\n");
}

TEST_F(Configuration, ThatIncludesItselfIsRefused) {
  files_ = {{"/a/postgresql.conf", "include 'postgresql.conf'\n"}};
  EXPECT_THROW(static_cast<void>(flatten("/a/postgresql.conf", ConfigurationKind::settings, reader_)), base::Error);
}

}  // namespace
}  // namespace backup_engine::postgres

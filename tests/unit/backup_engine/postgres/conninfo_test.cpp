#include "backup_engine/postgres/conninfo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {
namespace {

using base::Error;
using base::ErrorKind;
using testing::HasSubstr;
using testing::Not;

void expect_refused(const std::string& conninfo, const std::string& where) {
  try {
    refuse_password(conninfo);
    ADD_FAILURE() << "accepted: " << conninfo;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr(where));
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(error.remedy(), HasSubstr("PGPASSFILE"));
  }
}

TEST(RefusePassword, RefusesAPasswordInKeywordForm) {
  expect_refused("host=h password=hunter2", "(password)");
}
TEST(RefusePassword, RefusesAPasswordInAUri) {
  expect_refused("postgresql://me:hunter2@h/db", "(password)");
}
TEST(RefusePassword, RefusesAPasswordInAUriQuery) {
  expect_refused("postgresql://h/db?password=hunter2", "(password)");
}
TEST(RefusePassword, RefusesTheKeyFilesPassword) {
  expect_refused("host=h sslpassword=hunter2", "(sslpassword)");
}
TEST(RefusePassword, RefusesAPasswordInOptions) {
  expect_refused("options='-c x.password=hunter2'", "(options)");
}
TEST(RefusePassword, RefusesAPasswordInANestedConninfo) {
  expect_refused("dbname='host=h password=hunter2'", "(dbname)");
  expect_refused("dbname='postgresql://me:hunter2@h/db'", "(password)");
}

TEST(RefusePassword, AcceptsWhatHoldsNone) {
  EXPECT_NO_THROW(refuse_password(""));
  EXPECT_NO_THROW(refuse_password("host=/run dbname=db user=me passfile=/etc/pass service=x"));
  EXPECT_NO_THROW(refuse_password("postgresql://me@h:5433/db?options=-c%20password_encryption%3Dmd5"));
}

TEST(RefusePassword, SaysHowToWriteWhatCannotBeParsed) {
  try {
    refuse_password("host=h nonsense hunter2");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(error.remedy(), HasSubstr("keyword=value"));
  }
}

TEST(WithKeyword, ReplacesAndQuotes) {
  EXPECT_EQ(with_keyword("host=h dbname=a", "dbname", "it's\\"), "host='h' dbname='it\\'s\\\\'");
  EXPECT_EQ(with_keyword("postgresql://me@h/db", "port", "5433"), "user='me' dbname='db' host='h' port='5433'");
}

TEST(WithKeyword, ReadsBackWhatItWrote) {
  const auto once = with_keyword("", "user", "o'brien \\ co");
  EXPECT_EQ(with_keyword(once, "host", "h"), once + " host='h'");
}

}  // namespace
}  // namespace backup_engine::postgres

#include "backup_engine/postgres/conninfo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

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

// Keywords of libpq 18; an older one does not parse them where they stand by themselves.
TEST(RefusePassword, RefusesWhatStandsForAPassword) {
  for (const std::string keyword : {"scram_client_key", "scram_server_key", "oauth_client_secret"}) {
    expect_refused("dbname='host=h " + keyword + "=hunter2'", "(dbname)");
    expect_refused("dbname='host=h " + keyword + " = hunter2'", "(dbname)");
    try {
      refuse_password("host=h " + keyword + "=hunter2");
      ADD_FAILURE() << "accepted: " << keyword;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      if (PQlibVersion() >= 180000) {
        EXPECT_THAT(error.what(), HasSubstr("(" + keyword + ")"));
      }
      EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
      EXPECT_THAT(error.remedy(), Not(HasSubstr("hunter2")));
    }
  }
}

TEST(RefusePassword, AcceptsWhatHoldsNone) {
  EXPECT_NO_THROW(refuse_password(""));
  EXPECT_NO_THROW(refuse_password("options='-c scram_client_keys=2' dbname=oauth_client_secret"));
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

TEST(WithMoreOptions, KeepsThoseThatThereWere) {
  EXPECT_EQ(with_more_options("host=h", "-c a=b"), "host='h' options='-c a=b'");
  EXPECT_EQ(with_more_options("options='-c x=y' host=h", "-c a=b"), "host='h' options='-c x=y -c a=b'");
}

}  // namespace
}  // namespace backup_engine::postgres

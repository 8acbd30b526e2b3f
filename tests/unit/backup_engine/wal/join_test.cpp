#include "backup_engine/wal/join.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;

class JoinParts : public testing::Test {
 protected:
  void add(const std::string& name, std::uint64_t from, const std::string& text) {
    parts_.push_back({name, Lsn(from), Lsn(from + text.size())});
    const auto view = std::as_bytes(std::span(text));
    contents_[name] = {view.begin(), view.end()};
  }
  [[nodiscard]] std::string join() const {
    const auto bytes = join_parts(parts_, Lsn(100), [&](const std::string& name) { return contents_.at(name); });
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] std::string complaint() const {
    try {
      return "joined: " + join();
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
      return error.what();
    }
  }

  std::vector<WalPart> parts_;
  std::map<std::string, std::vector<std::byte>> contents_;
};

TEST_F(JoinParts, PutsThemInOrder) {
  add("b", 103, "def");
  add("a", 100, "abc");
  EXPECT_EQ(join(), "abcdef");
}

TEST_F(JoinParts, AcceptsAMergedPartBesideItsSources) {
  add("a", 100, "ab");
  add("merged", 100, "abcd");
  add("b", 102, "cd");
  add("c", 104, "e");
  EXPECT_EQ(join(), "abcde");
}

TEST_F(JoinParts, RefusesPartsThatDisagree) {
  add("a", 100, "abcd");
  add("b", 102, "cX");
  EXPECT_THAT(complaint(), testing::HasSubstr("b holds other WAL"));
}

TEST_F(JoinParts, RefusesAHoleInTheMiddleAndNamesIt) {
  add("a", 100, "ab");
  add("c", 104, "ef");
  EXPECT_THAT(complaint(), testing::HasSubstr("missing from 0/66 to 0/68, before c"));
}

TEST_F(JoinParts, RefusesAHoleAtTheStart) {
  add("b", 101, "b");
  EXPECT_THAT(complaint(), testing::HasSubstr("missing from 0/64 to 0/65"));
}

TEST_F(JoinParts, RefusesAPartThatIsNotAsLongAsItsName) {
  add("a", 100, "abc");
  contents_["a"].pop_back();
  EXPECT_THAT(complaint(), testing::HasSubstr("a holds 2 bytes"));
}

}  // namespace
}  // namespace backup_engine::wal

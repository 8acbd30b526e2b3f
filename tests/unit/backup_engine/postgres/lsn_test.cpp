#include "backup_engine/postgres/lsn.hpp"

#include <gtest/gtest.h>

namespace backup_engine::postgres {
namespace {

TEST(Lsn, IsWrittenAsPostgresqlWritesIt) {
  EXPECT_EQ(to_string(Lsn(0x16B374D848)), "16/B374D848");
  EXPECT_EQ(to_string(Lsn()), "0/0");
  EXPECT_FALSE(Lsn().valid());
}

TEST(Lsn, ReadsBackWhatItWrites) {
  for (const auto position :
       {std::uint64_t{1}, std::uint64_t{0xFFFFFFFF}, std::uint64_t{0x100000000}, ~std::uint64_t{0}}) {
    EXPECT_EQ(parse_lsn(to_string(Lsn(position))), Lsn(position));
  }
}

TEST(Lsn, RefusesEverythingElse) {
  for (const auto* text : {"", "/", "0", "0/", "/0", "0/0/0", " 0/0", "0/0 ", "0x1/0", "-1/0", "1/123456789", "g/0"}) {
    EXPECT_FALSE(parse_lsn(text)) << text;
  }
}

TEST(Lsn, CountsBytes) {
  EXPECT_EQ(Lsn(0xFFFFFFFF) + 1, Lsn(0x100000000));
  EXPECT_EQ(Lsn(500) - Lsn(200), 300U);
  EXPECT_LT(Lsn(1), Lsn(2));
}

}  // namespace
}  // namespace backup_engine::postgres

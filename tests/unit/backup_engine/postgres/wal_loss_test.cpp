#include <gtest/gtest.h>

#include "backup_engine/postgres/replication_connection.hpp"

namespace backup_engine::postgres {
namespace {

using base::Error;
using base::ErrorKind;

TEST(WalLoss, IsToldByTheCodeWhateverTheServersLanguage) {
  const auto of = [](ErrorKind kind, const char* code) { return wal_loss(Error(kind, "…").with_sqlstate(code)); };
  EXPECT_EQ(of(ErrorKind::server, "58P01"), WalLoss::removed);
  EXPECT_EQ(of(ErrorKind::server, "XX000"), WalLoss::being_removed);
  EXPECT_EQ(of(ErrorKind::server, "55006"), WalLoss::none);
  EXPECT_EQ(wal_loss(Error(ErrorKind::connection, "gone")), WalLoss::none);
}

}  // namespace
}  // namespace backup_engine::postgres

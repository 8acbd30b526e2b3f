// Reading an open segment while a receiver closes it or merges its parts.
#include "backup_engine/wal/held_segment.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1};
constexpr Lsn start{3 * megabyte}, middle{3 * megabyte + 216}, end{4 * megabyte};

// The same repository, in which a receiver does something just before the first listing.
class BesideAReceiver {
 public:
  explicit BesideAReceiver(TemporaryArchive& repository) : repository_(repository) {}
  [[nodiscard]] std::optional<std::vector<std::byte>> read(const std::function<void(WalArchive&)>& meanwhile) const {
    struct Watched final : store::Storage {
      Watched(store::Storage& real, std::function<void()> first) : real_(real), first_(std::move(first)) {}
      [[nodiscard]] std::unique_ptr<store::PutStream> begin_put(const std::string& name) override {
        return real_.begin_put(name);
      }
      [[nodiscard]] std::unique_ptr<store::StoredObject> open(const std::string& name) override {
        return real_.open(name);
      }
      [[nodiscard]] std::optional<std::uint64_t> size(const std::string& name) override { return real_.size(name); }
      [[nodiscard]] std::vector<store::ListedObject> list(const std::string& prefix) override {
        if (first_) std::exchange(first_, {})();
        return real_.list(prefix);
      }
      [[nodiscard]] std::vector<std::string> list_debris(const std::string& prefix) override {
        return real_.list_debris(prefix);
      }
      void remove(const std::string& name) override { real_.remove(name); }
      void sync() override { real_.sync(); }
      void make_durable(const std::string& folder) override { real_.make_durable(folder); }
      [[nodiscard]] std::string location() const override { return real_.location(); }

     private:
      store::Storage& real_;
      std::function<void()> first_;
    } watched(repository_.storage(), [&] { meanwhile(repository_.archive()); });
    const WalArchive archive(watched, TemporaryArchive::cluster, repository_.size, {Codec::lz4, 1});
    return read_held(archive, segment_holding(one, start, repository_.size));
  }

 private:
  TemporaryArchive& repository_;
};

class HeldSegment : public ::testing::Test {
 protected:
  HeldSegment() {
    repository_.archive().put_part(one, start, wal_bytes(start, middle));
    repository_.archive().put_part(one, middle, wal_bytes(middle, end));
  }
  void remove_first_part(WalArchive& archive) {
    archive.remove(archive.parts_of(segment_holding(one, start, repository_.size)).front().object);
  }
  TemporaryArchive repository_;
};

TEST_F(HeldSegment, IsReadWholeWhenItClosesAndItsFirstPartsAreGoneAsOneLooks) {
  const auto held = BesideAReceiver(repository_).read([&](WalArchive& archive) {
    archive.put_segment(segment_holding(one, start, repository_.size), wal_bytes(start, end));
    remove_first_part(archive);
  });
  ASSERT_TRUE(held);
  EXPECT_TRUE(*held == wal_bytes(start, end));
}

TEST_F(HeldSegment, WithAHoleIsStillRefused) {
  try {
    static_cast<void>(BesideAReceiver(repository_).read([&](WalArchive& archive) { remove_first_part(archive); }));
    FAIL() << "it was read";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    EXPECT_EQ(std::string(error.what()).find("WAL is missing from"), 0U) << error.what();
  }
}

}  // namespace
}  // namespace backup_engine::wal

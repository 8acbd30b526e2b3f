// One flipped bit anywhere in a repository is found, and the file that holds it is named, and no other. Here a sample
// of the bits; tests/fault/flipped_bit_sweep_test.cpp takes them all.
#include "tests/unit/backup_engine/verify/flipped_bit.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;

using tests::FlippedBit;

namespace {

// The first byte, the last, and some evenly between them.
std::vector<std::uint64_t> some_bytes(std::uint64_t size_bytes) {
  constexpr std::uint64_t wanted = 5;
  std::vector<std::uint64_t> bytes;
  for (std::uint64_t i = 0; i < wanted; ++i) bytes.push_back(i * (size_bytes - 1) / (wanted - 1));
  return bytes;
}

}  // namespace

TEST_F(FlippedBit, IsFoundInEachKindOfObjectAndItsFileNamed) {
  ASSERT_THAT(blamed(), ::testing::IsEmpty());
  ASSERT_GE(objects_.size(), 20U);  // documents, tables, index, packs of a chain, WAL with history, gap and side files
  for (const auto& object : objects_) ASSERT_NO_FATAL_FAILURE(flip_each(object, some_bytes(object.size_bytes)));
  EXPECT_THAT(blamed(), ::testing::IsEmpty());
}

TEST_F(FlippedBit, IsFoundWithoutUnpackingToo) {
  unpack_ = false;
  ASSERT_THAT(blamed(), ::testing::IsEmpty());
  for (const auto& object : objects_) ASSERT_NO_FATAL_FAILURE(flip_each(object, some_bytes(object.size_bytes)));
}

TEST_F(FlippedBit, IsFoundInEachOfTheEightPlaces) {
  for (const auto& object : objects_) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      flip(object.name, object.size_bytes / 2, bit);
      ASSERT_EQ(blamed(), std::set{object.name}) << bit;
      flip(object.name, object.size_bytes / 2, bit);
    }
  }
}

TEST_F(FlippedBit, AndALostOrAddedByteToo) {
  for (const auto& object : objects_) {
    const auto path = fs::path(location_.text) / object.name;
    const auto whole = base::read_file(path);
    fs::resize_file(path, whole.size() - 1);
    EXPECT_EQ(blamed(), std::set{object.name}) << "cut";
    fs::resize_file(path, whole.size() + 1);
    EXPECT_EQ(blamed(), std::set{object.name}) << "the last byte lost and one added";
    fs::resize_file(path, 0);
    EXPECT_EQ(blamed(), std::set{object.name}) << "emptied";
    base::write_file_atomically(path, whole + '\n');
    EXPECT_EQ(blamed(), std::set{object.name}) << "added";
    base::write_file_atomically(path, whole);
  }
  EXPECT_THAT(blamed(), ::testing::IsEmpty());
}

// One flipped bit anywhere in a repository is found, and the file that holds it is named, and no other: byte by byte.
#include "tests/unit/backup_engine/verify/flipped_bit.hpp"

using tests::FlippedBit;

namespace {

// Every byte of what is small; of larger objects head, tail and a stride through the middle that meets every field.
std::vector<std::uint64_t> bytes_to_flip(std::uint64_t size_bytes) {
  constexpr std::uint64_t small = 1500, head = 160, tail = 64, stride = 97;
  std::vector<std::uint64_t> bytes;
  for (std::uint64_t i = 0; i < size_bytes; ++i) {
    if (size_bytes <= small || i < head || i + tail >= size_bytes || i % stride == 0) bytes.push_back(i);
  }
  return bytes;
}

}  // namespace

TEST_F(FlippedBit, IsFoundWhereverItIsAndItsFileNamed) {
  ASSERT_THAT(blamed(), ::testing::IsEmpty());
  for (const auto& object : objects_) ASSERT_NO_FATAL_FAILURE(flip_each(object, bytes_to_flip(object.size_bytes)));
  EXPECT_THAT(blamed(), ::testing::IsEmpty());
}

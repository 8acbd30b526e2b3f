#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/store/posix_storage.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
using backup_engine::Codec;
using backup_engine::Compression;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::HasSubstr;
using tests::kind_of_failure;

namespace {

// A header with one byte changed and its checksum made right again.
tests::Bytes header_with(std::size_t at, unsigned value) {
  auto header = store::new_object_header(store::ObjectKind::pack, Codec::lz4);
  const auto encoded = encode(header);
  tests::Bytes bytes(encoded.begin(), encoded.end());
  bytes[at] = static_cast<std::byte>(value);
  store::put_little_endian(&bytes[92], backup_engine::base::crc32c(std::span(bytes).first(92)));
  return bytes;
}

class Framed : public ::testing::Test {
 protected:
  void put(const tests::Bytes& bytes) { storage_.put("object", bytes, store::Durability::now); }
  [[nodiscard]] tests::Bytes read() { return store::read_framed(storage_, "object", store::ObjectKind::wal_segment); }
  [[nodiscard]] tests::Bytes framed(const tests::Bytes& clear, Compression compression = {Codec::lz4, 0}) {
    store::put_framed(storage_, "source", store::ObjectKind::wal_segment, compression, clear, store::Durability::now);
    auto bytes = storage_.read("source");
    storage_.remove("source");
    return bytes;
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-framed"};
  tests::FaultyFileSystem files_{directory_.path()};
  store::PosixStorage storage_{directory_.path(), files_};
};

}  // namespace

TEST(ObjectHeader, ComesBackAsItWasWritten) {
  auto header = store::new_object_header(store::ObjectKind::block_index, Codec::zstd);
  header.hash = store::HashKind::xxh3_128;
  header.block_size = 65536;
  header.clear_length = 123'456'789'012;
  const auto bytes = encode(header);
  const auto read = store::decode_object_header(bytes, store::ObjectKind::block_index, "x");
  EXPECT_EQ(read.codec, Codec::zstd);
  EXPECT_EQ(read.hash, store::HashKind::xxh3_128);
  EXPECT_EQ(read.block_size, 65536U);
  EXPECT_EQ(read.clear_length, 123'456'789'012U);
  EXPECT_EQ(read.salt, header.salt);
  EXPECT_EQ(read.crc, header.crc);
}

TEST(ObjectHeader, GetsAnotherSaltEachTime) {
  EXPECT_NE(store::new_object_header(store::ObjectKind::pack, Codec::none).salt,
            store::new_object_header(store::ObjectKind::pack, Codec::none).salt);
}

TEST(ObjectHeader, IsRefusedByNameWhenItIsOfTheFuture) {
  std::string message;
  const auto decode = [](const tests::Bytes& bytes) {
    return [bytes] { static_cast<void>(store::decode_object_header(bytes, store::ObjectKind::pack, "p.pack")); };
  };
  EXPECT_EQ(kind_of_failure(decode(header_with(8, 2)), &message), ErrorKind::unsupported);
  EXPECT_THAT(message, ::testing::AllOf(HasSubstr("p.pack"), HasSubstr("format 2")));
  EXPECT_EQ(kind_of_failure(decode(header_with(13, 2)), &message), ErrorKind::unsupported);
  EXPECT_THAT(message, HasSubstr("unknown cipher"));
  EXPECT_EQ(kind_of_failure(decode(header_with(80, 1))), ErrorKind::unsupported);
  EXPECT_EQ(kind_of_failure(decode(header_with(12, 9))), ErrorKind::unsupported);
  EXPECT_EQ(kind_of_failure(decode(header_with(14, 9))), ErrorKind::unsupported);
  EXPECT_EQ(kind_of_failure(decode(header_with(10, 5)), &message), ErrorKind::corrupt);
  EXPECT_THAT(message, HasSubstr("not a pack"));
}

TEST(ObjectHeader, IsRefusedWhenItIsGarbage) {
  for (const std::size_t length : {0UL, 1UL, 95UL, 96UL, 4096UL}) {
    EXPECT_EQ(
        kind_of_failure([&] {
          static_cast<void>(store::decode_object_header(tests::random_bytes(length, 1), store::ObjectKind::pack, "x"));
        }),
        ErrorKind::corrupt);
  }
}

TEST(Compressor, StoresAsItIsWhatItCannotShorten) {
  for (const Compression compression :
       {Compression{Codec::lz4, 0}, Compression{Codec::zstd, 1}, Compression{Codec::none, 0}}) {
    store::Compressor compressor(compression);
    const auto random = tests::random_bytes(65536, 1);
    const auto result = compressor.compress(random);
    EXPECT_EQ(result.codec, Codec::none);
    EXPECT_EQ(result.bytes.data(), random.data());
  }
}

TEST(Compressor, ShortensAndTheExpanderUndoesIt) {
  const auto rows = tests::row_bytes(65536, 1);
  for (const Compression compression :
       {Compression{Codec::lz4, 0}, Compression{Codec::zstd, 1}, Compression{Codec::zstd, 9}}) {
    store::Compressor compressor(compression);
    const auto result = compressor.compress(rows);
    EXPECT_EQ(result.codec, compression.codec);
    EXPECT_LT(result.bytes.size(), rows.size() / 2);
    tests::Bytes clear(rows.size());
    store::Expander().expand(result.codec, result.bytes, clear, "x");
    EXPECT_EQ(clear, rows);
    tests::Bytes other(rows.size() - 1);
    EXPECT_EQ(kind_of_failure([&] { store::Expander().expand(result.codec, result.bytes, other, "x"); }),
              ErrorKind::corrupt);
  }
}

TEST(ParseCompression, KnowsItsFourForms) {
  EXPECT_EQ(backup_engine::parse_compression("none").codec, Codec::none);
  EXPECT_EQ(backup_engine::parse_compression("lz4").codec, Codec::lz4);
  EXPECT_EQ(backup_engine::parse_compression("zstd").level, 1);
  EXPECT_EQ(backup_engine::parse_compression("zstd:19").level, 19);
  for (const auto* const text : {"", "gzip", "zstd:", "zstd:0", "zstd:20", "zstd:3x", "lz4:1", "ZSTD"}) {
    EXPECT_EQ(kind_of_failure([&] { static_cast<void>(backup_engine::parse_compression(text)); }), ErrorKind::usage)
        << text;
  }
}

TEST_F(Framed, ComesBackAtEveryLength) {
  for (const std::size_t length : {0UL, 1UL, 1024 * 1024 - 1UL, 1024 * 1024UL, 1024 * 1024 + 1UL, 3'000'000UL}) {
    const auto clear = tests::row_bytes(length, 3);
    put(framed(clear));
    EXPECT_EQ(read(), clear) << length;
    storage_.remove("object");
  }
}

TEST_F(Framed, IsCorruptWhereverItIsCut) {
  const auto bytes = framed(tests::row_bytes(3000, 4));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    put(tests::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)));
    std::string message;
    ASSERT_EQ(kind_of_failure([&] { static_cast<void>(read()); }, &message), ErrorKind::corrupt) << length;
    ASSERT_THAT(message, HasSubstr("object"));
    storage_.remove("object");
  }
}

TEST_F(Framed, DoesNotTakeAFrameOfAnotherObject) {
  auto one = framed(tests::random_bytes(500, 1), {Codec::none, 0});
  const auto other = framed(tests::random_bytes(500, 2), {Codec::none, 0});
  std::copy(other.begin() + 96, other.end(), one.begin() + 96);
  put(one);
  EXPECT_EQ(kind_of_failure([&] { static_cast<void>(read()); }), ErrorKind::corrupt);
}

TEST_F(Framed, OfAnotherKindIsRefused) {
  put(framed({}));
  EXPECT_EQ(
      kind_of_failure([&] { static_cast<void>(store::read_framed(storage_, "object", store::ObjectKind::wal_part)); }),
      ErrorKind::corrupt);
}

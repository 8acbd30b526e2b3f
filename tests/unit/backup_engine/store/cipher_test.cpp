// The primitives against published vectors: RFC 5869 appendix A, and the AES-256 cases of the GCM specification.
#include "backup_engine/store/cipher.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/store/secret_bytes.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
using backup_engine::base::from_hex, backup_engine::base::to_hex;
using tests::Bytes;

namespace {

Bytes hex(std::string_view digits) {
  Bytes bytes(digits.size() / 2);
  EXPECT_TRUE(from_hex(digits, bytes)) << digits;
  return bytes;
}

Bytes counting(unsigned from, unsigned count) {
  Bytes bytes;
  for (unsigned i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(from + i));
  return bytes;
}

std::string derived(const Bytes& key, const Bytes& salt, const Bytes& info, std::size_t length) {
  Bytes output(length);
  store::hkdf_sha256(key, salt, info, output);
  return to_hex(output);
}

struct GcmVector {
  Bytes key, clear, associated, sealed;
  store::Nonce nonce;
  std::string tag;
};

GcmVector vector_16() {
  GcmVector vector;
  vector.key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  vector.clear = hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  vector.associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  vector.sealed = hex(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
      "bcc9f662");
  EXPECT_TRUE(from_hex("cafebabefacedbaddecaf888", vector.nonce));
  vector.tag = "76fc6ece0f4e1768cddf8853bb2d551b";
  return vector;
}

}  // namespace

TEST(HkdfSha256, GivesWhatRfc5869Says) {
  EXPECT_EQ(derived(Bytes(22, std::byte{0x0b}), counting(0, 13), counting(0xf0, 10), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(
      derived(counting(0, 80), counting(0x60, 80), counting(0xb0, 80), 82),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
      "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(derived(Bytes(22, std::byte{0x0b}), {}, {}, 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Aes256Gcm, SealsAsTheSpecificationSays) {
  const Bytes zero_key(32);
  EXPECT_EQ(to_hex(store::gcm_seal(zero_key, {}, {}, {}, {})), "530f8afbc74536b9a963b4f1c4cb738b");
  Bytes sealed(16);
  EXPECT_EQ(to_hex(store::gcm_seal(zero_key, {}, {}, Bytes(16), sealed)), "d0d1c8a799996bf0265b98b5d48ab919");
  EXPECT_EQ(to_hex(sealed), "cea7403d4d606b6e074ec5d3baf39d18");
  const auto vector = vector_16();
  sealed.resize(vector.clear.size());
  EXPECT_EQ(to_hex(store::gcm_seal(vector.key, vector.nonce, {vector.associated}, vector.clear, sealed)), vector.tag);
  EXPECT_EQ(sealed, vector.sealed);
}

TEST(Aes256Gcm, TakesAssociatedDataInPieces) {
  const auto vector = vector_16();
  const auto all = std::span(vector.associated);
  Bytes sealed(vector.clear.size());
  EXPECT_EQ(to_hex(store::gcm_seal(vector.key, vector.nonce, {all.first(3), {}, all.subspan(3)}, vector.clear, sealed)),
            vector.tag);
}

TEST(Aes256Gcm, OpensOnlyWhatWasSealed) {
  const auto vector = vector_16();
  store::Tag tag;
  ASSERT_TRUE(from_hex(vector.tag, tag));
  Bytes clear(vector.clear.size());
  EXPECT_TRUE(store::gcm_open(vector.key, vector.nonce, {vector.associated}, vector.sealed, tag, clear));
  EXPECT_EQ(clear, vector.clear);
  const auto flipped = [](auto bytes, std::size_t at) {
    bytes[at] ^= std::byte{1};
    return bytes;
  };
  for (std::size_t at = 0; at < 12; ++at) {
    EXPECT_FALSE(
        store::gcm_open(flipped(vector.key, at), vector.nonce, {vector.associated}, vector.sealed, tag, clear));
    EXPECT_FALSE(
        store::gcm_open(vector.key, flipped(vector.nonce, at), {vector.associated}, vector.sealed, tag, clear));
    EXPECT_FALSE(
        store::gcm_open(vector.key, vector.nonce, {flipped(vector.associated, at)}, vector.sealed, tag, clear));
    EXPECT_FALSE(
        store::gcm_open(vector.key, vector.nonce, {vector.associated}, flipped(vector.sealed, at), tag, clear));
    EXPECT_FALSE(
        store::gcm_open(vector.key, vector.nonce, {vector.associated}, vector.sealed, flipped(tag, at), clear));
  }
}

TEST(SecretBytes, StayOutOfCoreDumps) {
  store::SecretBytes secret(32);
  const auto address = reinterpret_cast<std::uintptr_t>(secret.bytes().data());
  const auto maps = backup_engine::base::read_file("/proc/self/smaps");
  char start[32];
  std::snprintf(start, sizeof start, "%lx-", static_cast<unsigned long>(address));
  const auto at = maps.find(start);
  ASSERT_NE(at, std::string::npos);
  const auto flags = maps.find("VmFlags:", at);
  const auto line = maps.substr(flags, maps.find('\n', flags) - flags);
  EXPECT_NE(line.find(" dd"), std::string::npos) << line;  // MADV_DONTDUMP
}

TEST(BlockHash, IsAnotherOneWithEachSecret) {
  const auto bytes = tests::row_bytes(4096, 1);
  const auto one = tests::random_bytes(192, 1), two = tests::random_bytes(192, 2);
  EXPECT_EQ(store::hash_block(bytes, one), store::hash_block(bytes, one));
  EXPECT_NE(store::hash_block(bytes, one), store::hash_block(bytes, two));
  EXPECT_NE(store::hash_block(bytes, one), store::hash_block(bytes));
}

#include "blindproof/envelope/primitives.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace blindproof::envelope {
namespace {

Key256 key_of(std::string_view hex) {
  Key256 key;
  std::ranges::copy(base::from_hex(hex).value(), key.expose_mutable().begin());
  return key;
}

std::string hex(const Key256& key) { return base::to_hex(key.expose()); }

// RFC 7748, section 6.1.
TEST(Primitives, X25519GivesTheVectorOfRfc7748) {
  const Key256 bob = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(base::to_hex(x25519_public(bob)), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  X25519Public alice;
  std::ranges::copy(base::from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a").value(), alice.begin());
  EXPECT_EQ(hex(x25519(bob, alice).value()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST(Primitives, X25519RefusesPointsOfSmallOrder) {
  const Key256 secret = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  X25519Public zero{}, one{};
  one[0] = 1;
  EXPECT_EQ(x25519(secret, zero).error().code, base::ErrorCode::kMalformed);
  EXPECT_EQ(x25519(secret, one).error().code, base::ErrorCode::kMalformed);
}

// RFC 3394, section 4.6.
TEST(Primitives, KeyWrapGivesTheVectorOfRfc3394) {
  const Key256 wrapping = key_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Key256 key = key_of("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  const auto wrapped = aes_key_wrap(wrapping, key);
  EXPECT_EQ(base::to_hex(wrapped), "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  EXPECT_EQ(hex(aes_key_unwrap(wrapping, wrapped).value()), hex(key));
  EXPECT_FALSE(aes_key_unwrap(key, wrapped).ok());
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    auto altered = wrapped;
    altered[i] ^= 1;
    EXPECT_EQ(aes_key_unwrap(wrapping, altered).error().code, base::ErrorCode::kMismatch) << i;
    EXPECT_FALSE(aes_key_unwrap(wrapping, base::ByteSpan(wrapped).first(i)).ok()) << i;
  }
}

// RFC 5869, appendix A.1 (its 42 bytes of output).
TEST(Primitives, HkdfGivesTheVectorOfRfc5869) {
  const base::Bytes key(22, 0x0b);
  std::array<std::uint8_t, 42> out;
  hkdf_sha256(key, base::from_hex("000102030405060708090a0b0c").value(), base::from_hex("f0f1f2f3f4f5f6f7f8f9").value(), out);
  EXPECT_EQ(base::to_hex(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// The GCM specification's test cases 13 and 14: a key and nonce of zeros.
TEST(Primitives, GcmGivesTheVectorsOfItsSpecification) {
  AesGcm cipher{Key256()};
  std::array<std::uint8_t, 16> tag;
  cipher.seal({}, {}, {}, tag);
  EXPECT_EQ(base::to_hex(tag), "530f8afbc74536b9a963b4f1c4cb738b");
  std::array<std::uint8_t, 32> sealed;
  cipher.seal({}, {}, base::Bytes(16), sealed);
  EXPECT_EQ(base::to_hex(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(Primitives, GcmRefusesAnyAlteredBitAndAnotherContext) {
  AesGcm cipher{key_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")};
  const base::ByteSpan text = base::as_bytes("content"), context = base::as_bytes("context");
  base::Bytes sealed(text.size() + kTagBytes), opened(text.size());
  cipher.seal({1}, context, text, sealed);
  ASSERT_TRUE(cipher.open({1}, context, sealed, opened));
  EXPECT_TRUE(std::ranges::equal(opened, text));
  EXPECT_FALSE(cipher.open({2}, context, sealed, opened));
  EXPECT_EQ(opened, base::Bytes(text.size()));
  EXPECT_FALSE(cipher.open({1}, {}, sealed, opened));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    base::Bytes altered = sealed;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(cipher.open({1}, context, altered, opened)) << bit;
  }
}

}  // namespace
}  // namespace blindproof::envelope

#include "blindproof/crypto/sha256.h"

#include <gtest/gtest.h>

#include "blindproof/crypto/hash_test_vectors.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256_kernels.h"

namespace blindproof::crypto {
namespace {

using base::as_bytes;
using base::to_hex;

TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, MatchesHashlibForEveryLength) {
  const auto vectors = read_hash_vectors("sha256");
  ASSERT_EQ(vectors.size(), 306u);
  for (const auto& [length, digest] : vectors) {
    EXPECT_EQ(to_hex(sha256(vector_message(std::stoul(length)))), to_hex(digest)) << length;
  }
}

TEST(Sha256, IncrementalEqualsOneShotForEverySplit) {
  for (std::size_t length : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 127u, 128u, 129u, 300u}) {
    const base::Bytes message = vector_message(length);
    for (std::size_t cut = 0; cut <= length; ++cut) {
      const ByteSpan all(message);
      EXPECT_EQ(Sha256().absorb(all.first(cut)).absorb({}).absorb(all.subspan(cut)).finish(), sha256(message));
    }
    Sha256 by_byte;
    for (std::uint8_t byte : message) by_byte.absorb(ByteSpan(&byte, 1));
    EXPECT_EQ(by_byte.finish(), sha256(message));
  }
}

TEST(Sha256, ShaExtensionEqualsPortable) {
  const Sha256Compress shani = sha256_compress_shani();
  if (shani == nullptr) GTEST_SKIP() << "this CPU has no SHA extension";
  Csprng random(std::array<std::uint8_t, 32>{42});
  for (std::size_t blocks : {0u, 1u, 2u, 3u, 17u}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      base::Bytes message(64 * blocks);
      random.fill(message);
      std::array<std::uint32_t, 8> expected;
      for (auto& word : expected) word = static_cast<std::uint32_t>(random.next_u64());
      auto actual = expected;
      sha256_compress_portable(expected, message);
      shani(actual, message);
      EXPECT_EQ(actual, expected);
    }
  }
}

}  // namespace
}  // namespace blindproof::crypto

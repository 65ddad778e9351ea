#include "blindproof/crypto/blake2b.h"

#include <gtest/gtest.h>

#include "blindproof/crypto/hash_test_vectors.h"

namespace blindproof::crypto {
namespace {

TEST(Blake2b, MatchesHashlibForEveryLength) {
  const auto vectors = read_hash_vectors("blake2b");
  ASSERT_EQ(vectors.size(), 306u);
  for (const auto& [length, digest] : vectors) {
    EXPECT_EQ(base::to_hex(blake2b(vector_message(std::stoul(length)))), base::to_hex(digest)) << length;
  }
}

TEST(Blake2b, PiecesAndSavedStatesGiveTheSameDigest) {
  for (const std::size_t length : {0u, 1u, 127u, 128u, 129u, 256u, 257u, 600u}) {
    const base::Bytes message = vector_message(length);
    for (std::size_t cut = 0; cut <= length; ++cut) {
      Blake2b first;
      first.absorb(ByteSpan(message).first(cut));
      Blake2b second(first.state());
      second.absorb(ByteSpan(message).subspan(cut));
      ASSERT_EQ(second.finish(), blake2b(message)) << length << " cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace blindproof::crypto

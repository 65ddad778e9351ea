#include "blindproof/crypto/keccak.h"

#include <gtest/gtest.h>

#include "blindproof/crypto/hash_test_vectors.h"

namespace blindproof::crypto {
namespace {

using base::as_bytes;
using base::to_hex;

base::Bytes shake(ByteSpan input, std::size_t size) {
  base::Bytes out(size);
  shake256(input, out);
  return out;
}

TEST(Keccak, KnownDigests) {
  EXPECT_EQ(to_hex(keccak256({})), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  EXPECT_EQ(to_hex(keccak256(as_bytes("abc"))), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  EXPECT_EQ(to_hex(shake({}, 32)), "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
}

TEST(Keccak, Keccak256MatchesThePlainSpecificationForEveryLength) {
  const auto vectors = read_hash_vectors("keccak256");
  ASSERT_EQ(vectors.size(), 306u);
  for (const auto& [length, digest] : vectors) {
    EXPECT_EQ(to_hex(keccak256(vector_message(std::stoul(length)))), to_hex(digest)) << length;
  }
}

TEST(Keccak, Shake256MatchesHashlibForEveryLength) {
  const auto vectors = read_hash_vectors("shake256");
  ASSERT_EQ(vectors.size(), 307u);
  for (const auto& [length, output] : vectors) {
    EXPECT_EQ(to_hex(shake(vector_message(std::stoul(length)), output.size())), to_hex(output)) << length;
  }
}

TEST(Keccak, AbsorbingInPiecesEqualsAbsorbingAtOnce) {
  for (std::size_t length : {1u, 135u, 136u, 137u, 271u, 272u, 273u, 500u}) {
    const base::Bytes message = vector_message(length);
    for (std::size_t cut = 0; cut <= length; ++cut) {
      Shake256 xof;
      xof.absorb(ByteSpan(message).first(cut));
      xof.absorb(ByteSpan(message).subspan(cut));
      base::Bytes out(40);
      xof.squeeze(out);
      EXPECT_EQ(out, shake(message, 40)) << length << " cut at " << cut;
    }
  }
}

TEST(Keccak, SqueezingInPiecesContinuesTheStream) {
  const base::Bytes message = vector_message(77);
  const base::Bytes expected = shake(message, 600);
  for (std::size_t piece : {1u, 7u, 8u, 135u, 136u, 137u, 300u}) {
    Shake256 xof;
    xof.absorb(message);
    base::Bytes out(600);
    for (std::size_t at = 0; at < out.size(); at += piece) {
      xof.squeeze(std::span(out).subspan(at, std::min(piece, out.size() - at)));
      xof.squeeze({});
    }
    EXPECT_EQ(out, expected) << piece;
  }
}

TEST(Keccak, ACopyForksTheStream) {
  Shake256 xof;
  xof.absorb(as_bytes("common"));
  Shake256 copy = xof;
  copy.absorb(as_bytes("x"));
  base::Bytes first(32), second(32);
  xof.squeeze(first);
  copy.squeeze(second);
  EXPECT_EQ(first, shake(as_bytes("common"), 32));
  EXPECT_EQ(second, shake(as_bytes("commonx"), 32));
}

TEST(KeccakDeathTest, AbsorbAfterSqueezeAborts) {
  Shake256 xof;
  base::Bytes out(1);
  xof.squeeze(out);
  EXPECT_DEATH(xof.absorb(out), "after squeeze");
}

}  // namespace
}  // namespace blindproof::crypto

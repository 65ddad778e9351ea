#include "blindproof/curve/hash_to_curve.h"

#include <gtest/gtest.h>

#include <set>

#include "blindproof/base/bytes.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/curve/curve_test_support.h"

namespace blindproof::curve {
namespace {

TEST(HashToCurve, FollowsItsDescription) {
  const std::string label = "some label";
  for (std::uint64_t index = 0; index < 20; ++index) {
    for (std::uint64_t counter = 0;; ++counter) {
      base::ByteWriter input;
      input.text("blindproof hash to curve v1");
      input.text(label);
      input.u64(index);
      input.u64(counter);
      std::array<std::uint8_t, 65> bytes;
      crypto::shake256(input.bytes(), bytes);
      mpz_class x;
      mpz_import(x.get_mpz_t(), 64, -1, 1, 0, 0, bytes.data());
      const mpz_class& q = test::Oracle::modulus();
      x %= q;
      const mpz_class square = (x * x * x + 3) % q;
      if (mpz_legendre(square.get_mpz_t(), q.get_mpz_t()) != 1) continue;
      mpz_class y;
      const mpz_class exponent = (q + 1) / 4;
      mpz_powm(y.get_mpz_t(), square.get_mpz_t(), exponent.get_mpz_t(), q.get_mpz_t());
      if (mpz_odd_p(y.get_mpz_t()) != (bytes[64] & 1)) y = q - y;
      EXPECT_EQ(test::Oracle::of(hash_to_curve(label, index)), (test::Oracle{x, y, false}));
      break;
    }
  }
}

TEST(HashToCurve, DeriveGeneratorsIsHashToCurveOfEachIndex) {
  for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 600u}) {
    const std::vector<G1Affine> points = derive_generators("label", count);
    ASSERT_EQ(points.size(), count);
    for (std::size_t i = 0; i < count; i += 1 + count / 50) EXPECT_EQ(points[i], hash_to_curve("label", i));
  }
}

TEST(HashToCurve, PointsAreDistinctAndOnTheCurve) {
  std::set<EncodedPoint> seen;
  for (const char* label : {"", "a", "b"}) {
    for (const G1Affine& point : derive_generators(label, 300)) {
      EXPECT_TRUE(point.is_on_curve());
      EXPECT_FALSE(point.is_identity());
      EXPECT_TRUE(seen.insert(encode(point)).second);
    }
  }
}

}  // namespace
}  // namespace blindproof::curve

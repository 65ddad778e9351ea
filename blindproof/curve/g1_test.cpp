#include "blindproof/curve/g1.h"

#include <gtest/gtest.h>

#include "blindproof/curve/curve_test_support.h"

namespace blindproof::curve {
namespace {

using test::Oracle;

Fr order_minus(std::uint64_t k) { return -Fr::from_u64(k); }

TEST(G1Affine, GeneratorIsOnTheCurve) {
  EXPECT_TRUE(G1Affine::generator().is_on_curve());
  EXPECT_FALSE(G1Affine::generator().is_identity());
  EXPECT_TRUE(G1Affine::identity().is_on_curve());
  EXPECT_FALSE((G1Affine{Fq::one(), Fq::one()}).is_on_curve());
}

TEST(G1, GeneratorHasTheOrderOfTheScalarField) {
  const G1 almost = G1::generator() * order_minus(1);
  EXPECT_EQ(almost, -G1::generator());
  EXPECT_TRUE((almost + G1::generator()).is_identity());
  EXPECT_EQ(test::to_integer(Fr::kModulus) * Oracle::of(G1Affine::generator()), Oracle{});
}

TEST(G1, AdditionAgreesWithIntegersOnAllPairsOfCornerCases) {
  test::Random random;
  std::vector<G1Affine> points = random.corner_points(24);
  points.push_back(random.point());
  points.push_back(G1Affine::identity());
  const Fq z = Fq::from_u64(random.word());
  for (const G1Affine& a : points) {
    // The same point with other coordinates.
    const G1 scaled =
        a.is_identity() ? G1() : G1::from_xyzz(a.x * z.squared(), a.y * z.squared() * z, z.squared(), z.squared() * z);
    EXPECT_EQ(scaled, G1(a));
    EXPECT_EQ(scaled.to_affine(), a);
    EXPECT_EQ(Oracle::of(scaled.doubled().to_affine()), Oracle::of(a) + Oracle::of(a));
    for (const G1Affine& b : points) {
      const Oracle sum = Oracle::of(a) + Oracle::of(b);
      EXPECT_EQ(Oracle::of((scaled + b).to_affine()), sum);
      EXPECT_EQ(Oracle::of((scaled + G1(b)).to_affine()), sum);
      EXPECT_EQ(Oracle::of((G1(b) + scaled).to_affine()), sum);
      EXPECT_EQ(Oracle::of((scaled - (-b)).to_affine()), sum);
      EXPECT_EQ(scaled == G1(b), Oracle::of(a) == Oracle::of(b));
    }
  }
}

TEST(G1, ScalarMultiplicationAgreesWithDoubleAndAdd) {
  test::Random random;
  std::vector<Fr> scalars = {Fr::zero(),       Fr::one(),      Fr::from_u64(2), Fr::from_u64(15),      Fr::from_u64(16),
                             Fr::from_u64(17), order_minus(1), order_minus(2),  Fr::power_of_two(253), order_minus(16)};
  for (int i = 0; i < 10; ++i) scalars.push_back(random.scalar());
  const G1Affine point = random.point();
  for (const Fr& scalar : scalars) {
    EXPECT_EQ(Oracle::of((G1(point) * scalar).to_affine()), test::to_integer(scalar.to_limbs()) * Oracle::of(point));
    EXPECT_TRUE((G1::identity() * scalar).is_identity());
  }
}

TEST(G1, BatchToAffineAgreesWithOneByOneAndKeepsIdentities) {
  test::Random random;
  for (const std::size_t size : test::edge_sizes()) {
    std::vector<G1> points(size);
    for (std::size_t i = 0; i < size; ++i) {
      if (i % 5 != 1) points[i] = G1(random.point()).doubled();
    }
    std::vector<G1Affine> affine(size);
    batch_to_affine(points, affine);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(affine[i], points[i].to_affine());
  }
}

TEST(PointEncoding, RoundTrips) {
  test::Random random;
  for (const std::size_t size : test::edge_sizes()) {
    const std::vector<G1Affine> points = random.corner_points(size);
    std::vector<std::uint8_t> bytes;
    for (const G1Affine& point : points) {
      const EncodedPoint encoded = encode(point);
      EXPECT_EQ(decode(encoded), point);
      bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    }
    std::vector<G1Affine> decoded(size);
    ASSERT_TRUE(decode_batch(bytes, decoded).ok());
    EXPECT_EQ(decoded, points);
  }
}

TEST(PointEncoding, IsLittleEndianWithTheFlagsOnTop) {
  EncodedPoint generator{};
  generator[0] = 1;  // y = 2 is even
  EXPECT_EQ(encode(G1Affine::generator()), generator);
  generator[31] = 0x80;
  EXPECT_EQ(encode(-G1Affine::generator()), generator);
  EncodedPoint identity{};
  identity[31] = 0x40;
  EXPECT_EQ(encode(G1Affine::identity()), identity);
}

TEST(PointEncoding, EveryAcceptedStringIsWhatEncodeMakes) {
  test::Random random;
  std::size_t accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    EncodedPoint bytes = encode(random.corner_points(1)[0]);
    const std::size_t flips = 1 + random.below(3);
    for (std::size_t k = 0; k < flips; ++k) {
      const std::size_t bit = random.below(4) == 0 ? 254 + random.below(2) : random.below(256);
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << (bit % 8));
    }
    const std::optional<G1Affine> point = decode(bytes);
    if (!point) continue;
    ++accepted;
    EXPECT_TRUE(point->is_on_curve());
    EXPECT_EQ(encode(*point), bytes);
  }
  EXPECT_GT(accepted, 300u);
}

TEST(PointEncoding, RejectsWhatIsNotCanonical) {
  EncodedPoint bytes{};
  bytes[31] = 0xc0;  // identity with a parity
  EXPECT_FALSE(decode(bytes));
  bytes[31] = 0x40;
  bytes[0] = 1;  // identity with an x
  EXPECT_FALSE(decode(bytes));
  bytes = {};  // x = 0: 3 is not a square
  EXPECT_FALSE(decode(bytes));

  // x + q for an x whose point exists: the generator's.
  field::Limbs limbs = Fq::kModulus;
  limbs[0] += 1;
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(limbs[i / 8] >> (8 * (i % 8)));
  EXPECT_FALSE(decode(bytes));
}

TEST(PointEncoding, BatchNamesTheFirstBadPoint) {
  test::Random random;
  for (const std::size_t size : {1u, 8u, 65u, 700u}) {
    const std::vector<G1Affine> points = random.points(size);
    std::vector<std::uint8_t> good;
    for (const G1Affine& point : points) {
      const EncodedPoint encoded = encode(point);
      good.insert(good.end(), encoded.begin(), encoded.end());
    }
    for (int repeat = 0; repeat < 10; ++repeat) {
      std::vector<std::uint8_t> bytes = good;
      std::size_t first_bad = size;
      for (int k = 0; k < 3; ++k) {
        const std::size_t i = random.below(size);
        first_bad = std::min(first_bad, i);
        std::uint8_t* const begin = bytes.data() + i * kEncodedPointBytes;
        std::fill_n(begin, kEncodedPointBytes, std::uint8_t{0});
        if (k == 1) begin[31] = 0x3f;  // above q; otherwise x = 0, not on the curve
      }
      std::vector<G1Affine> decoded(size);
      const base::Status status = decode_batch(bytes, decoded);
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().code, base::ErrorCode::kMalformed);
      EXPECT_NE(status.error().detail.find("point " + std::to_string(first_bad) + " "), std::string::npos)
          << status.error().detail;
    }
  }
}

}  // namespace
}  // namespace blindproof::curve

#include "blindproof/curve/batch_multiply.h"

#include <gtest/gtest.h>

#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/curve_test_support.h"
#include "blindproof/curve/fixed_base.h"

namespace blindproof::curve {
namespace {

std::vector<Fr> corner_scalars(test::Random& random, std::size_t count) {
  const std::vector<Fr> basis = {Fr::zero(), Fr::one(), -Fr::one(), Fr::from_u64(2), Fr::from_u64(255), -Fr::from_u64(1u << 31), Fr::power_of_two(95), Fr::power_of_two(253), random.scalar(), random.scalar(), -random.scalar()};
  std::vector<Fr> scalars(count);
  for (Fr& scalar : scalars) scalar = basis[random.below(basis.size())];
  return scalars;
}

template <class Affine>
std::vector<Affine> points_of(test::Random& random, std::size_t count);
template <>
std::vector<G1Affine> points_of(test::Random& random, std::size_t count) {
  return random.corner_points(count);
}
template <>
std::vector<G2Affine> points_of(test::Random& random, std::size_t count) {
  std::vector<G2Affine> basis{G2Affine::identity(), G2Affine::generator(), (G2Affine::generator() * random.scalar()).to_affine(), (G2Affine::generator() * Fr::from_u64(2)).to_affine()};
  std::vector<G2Affine> points(count);
  for (G2Affine& point : points) {
    point = basis[random.below(basis.size())];
    if (random.below(2) == 0) point = -point;
  }
  return points;
}

template <class Affine>
class BatchMultiply : public testing::Test {};
using Groups = testing::Types<G1Affine, G2Affine>;
TYPED_TEST_SUITE(BatchMultiply, Groups);

TYPED_TEST(BatchMultiply, AgreesWithSeparateProducts) {
  using Affine = TypeParam;
  test::Random random;
  for (const std::size_t size : {0u, 1u, 7u, 9u, 100u, 1025u}) {
    const std::vector<Affine> points = points_of<Affine>(random, size);
    for (int kind = 0; kind < 3; ++kind) {
      std::vector<Fr> scalars = corner_scalars(random, size);
      if (kind == 1) std::fill(scalars.begin(), scalars.end(), Fr::from_u64(random.below(7)));
      if (kind == 2) {
        for (Fr& scalar : scalars) scalar = random.scalar();
      }
      std::vector<Affine> products = points;
      multiply_each(std::span<Affine>(products), scalars);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(products[i], (points[i] * scalars[i]).to_affine()) << size << " " << kind << " " << i;
    }
  }
}

TYPED_TEST(BatchMultiply, DoublesEveryPoint) {
  using Affine = TypeParam;
  test::Random random;
  std::vector<Affine> points = points_of<Affine>(random, 300);
  const std::vector<Affine> before = points;
  double_each(std::span<Affine>(points));
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(points[i], Xyzz<Affine>(before[i]).doubled().to_affine());
}

TYPED_TEST(BatchMultiply, TransformsAreSumsOfPowersOfTheRoot) {
  using Affine = TypeParam;
  test::Random random;
  const Fr root256 = Fr::from_u64(5).power([] {  // (r - 1) / 2^8
    field::Limbs e = (-Fr::one()).to_limbs();
    for (std::size_t i = 0; i < 4; ++i) e[i] = e[i] >> 8 | (i + 1 < 4 ? e[i + 1] << 56 : 0);
    return e;
  }());
  for (const int log_size : {0, 1, 2, 3, 5}) {
    const std::size_t n = std::size_t{1} << log_size;
    const Fr root = root256.power({std::uint64_t{256} >> log_size, 0, 0, 0});
    for (const bool equal : {false, true}) {  // equal points meet their doubles and negatives
      std::vector<Affine> points = points_of<Affine>(random, n);
      if (equal) std::fill(points.begin(), points.end(), Affine::generator());
      const std::vector<Affine> before = points;
      transform(std::span<Affine>(points), root);
      for (std::size_t i = 0; i < n; ++i) {
        Xyzz<Affine> sum;
        for (std::size_t j = 0; j < n; ++j) sum += before[j] * root.power({i * j, 0, 0, 0});
        ASSERT_EQ(points[i], sum.to_affine()) << n << " " << i;
      }
    }
  }
}

TYPED_TEST(BatchMultiply, TransformsOfManyBlocksAreUndoneByTheInverseRoot) {
  using Affine = TypeParam;
  test::Random random;
  constexpr int kLogSize = 12;
  field::Limbs e = (-Fr::one()).to_limbs();
  for (std::size_t i = 0; i < 4; ++i) e[i] = e[i] >> kLogSize | (i + 1 < 4 ? e[i + 1] << (64 - kLogSize) : 0);
  const Fr root = Fr::from_u64(5).power(e);
  std::vector<Fr> scalars(std::size_t{1} << kLogSize);
  for (Fr& scalar : scalars) scalar = random.scalar();
  std::vector<Affine> points = multiply_each(Affine::generator(), std::span<const Fr>(scalars));
  const std::vector<Affine> before = points;
  transform(std::span<Affine>(points), root);
  EXPECT_NE(points, before);
  transform(std::span<Affine>(points), root.inverse());
  multiply_each(std::span<Affine>(points), std::vector<Fr>(points.size(), Fr::power_of_two(kLogSize).inverse()));
  EXPECT_EQ(points, before);
}

TYPED_TEST(BatchMultiply, SparseSumsAgreeWithSeparateProducts) {
  using Affine = TypeParam;
  test::Random random;
  const std::vector<Affine> points = points_of<Affine>(random, 50);
  SparseSums sums;
  std::vector<std::size_t> sizes = {0, 1, 2, 0, 5000, 3, 9000, 17, 0};  // few, a task of one, one by the bucket method
  for (int i = 0; i < 400; ++i) sizes.push_back(random.below(30));
  for (const std::size_t size : sizes) {
    const std::vector<Fr> factors = corner_scalars(random, size);
    for (std::size_t k = 0; k < size; ++k) sums.points.push_back(static_cast<std::uint32_t>(random.below(points.size())));
    sums.factors.insert(sums.factors.end(), factors.begin(), factors.end());
    sums.begins.push_back(sums.points.size());
  }
  const std::vector<Affine> result = sparse_sums(points, sums);
  ASSERT_EQ(result.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::vector<Fr> totals(points.size());  // per point: fewer products
    for (std::uint64_t k = sums.begins[i]; k < sums.begins[i + 1]; ++k) totals[sums.points[k]] += sums.factors[k];
    Xyzz<Affine> sum;
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (!totals[p].is_zero()) sum += points[p] * totals[p];
    }
    ASSERT_EQ(result[i], sum.to_affine()) << i;
  }
}

TEST(BatchMultiplyOutsideTheGroup, PointsOfSmallOrderAreRightToo) {
  // A point of the twist of order 10069, which divides the cofactor (r' = 2q - r).
  const curve::Fq2 b = [] {
    const G2Affine g = G2Affine::generator();
    return g.y * g.y - g.x * g.x * g.x;
  }();
  G2Affine point;
  for (std::uint64_t x = 1;; ++x) {
    const Fq2 candidate{Fq::from_u64(x), Fq::one()};
    const auto y = (candidate * candidate * candidate + b).square_root();
    if (!y) continue;
    point = {candidate, *y};
    if (!point.is_in_group()) break;
  }
  // (order of the curve) / 10069 = r (cofactor / 10069), in two steps.
  constexpr field::Limbs kCofactor = {0x345f2299c0f9fa8d, 0x06ceecda572a2489, 0xb85045b68181585e, 0x30644e72e131a029};
  field::Limbs quotient{};
  base::Uint128 remainder = 0;
  for (std::size_t i = 4; i-- > 0;) {
    const base::Uint128 value = remainder << 64 | kCofactor[i];
    quotient[i] = static_cast<std::uint64_t>(value / 10069);
    remainder = value % 10069;
  }
  ASSERT_EQ(static_cast<std::uint64_t>(remainder), 0u);
  const G2Affine small = G2(point).multiplied(quotient).multiplied(Fr::kModulus).to_affine();
  ASSERT_FALSE(small.is_identity());
  std::vector<G2Affine> points(20, small);
  std::vector<Fr> scalars(20);
  for (std::size_t i = 0; i < 20; ++i) scalars[i] = Fr::from_u64(10069 * (i / 2) + i % 2);
  multiply_each(std::span<G2Affine>(points), scalars);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(points[i], i % 2 == 0 ? G2Affine::identity() : small) << i;
}

}  // namespace
}  // namespace blindproof::curve

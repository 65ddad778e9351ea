#include "blindproof/curve/msm.h"

#include <gtest/gtest.h>

#include <limits>

#include "blindproof/curve/curve_test_support.h"
#include "blindproof/curve/msm_kernels.h"

namespace blindproof::curve {
namespace {

G1 naive(std::span<const G1Affine> points, std::span<const Fr> scalars) {
  G1 sum;
  for (std::size_t i = 0; i < points.size(); ++i) sum += points[i] * scalars[i];
  return sum;
}

class MsmOnEachKernelSet : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

TEST_P(MsmOnEachKernelSet, AgreesWithSeparateProducts) {
  test::Random random;
  for (std::size_t size : {0u, 1u, 2u, 7u, 8u, 9u, 24u, 25u, 26u, 31u, 64u, 65u, 300u, 1000u}) {
    const std::vector<G1Affine> points = random.points(size);
    std::vector<Fr> scalars(size);
    for (Fr& scalar : scalars) scalar = random.scalar();
    EXPECT_EQ(msm(kernels(), points, scalars), naive(points, scalars)) << size;
  }
}

TEST_P(MsmOnEachKernelSet, SurvivesRepeatedOppositeAndIdentityPoints) {
  test::Random random;
  for (std::size_t size : {1u, 8u, 25u, 33u, 100u, 700u}) {
    for (int repeat = 0; repeat < 6; ++repeat) {
      const std::vector<G1Affine> points = random.corner_points(size);
      std::vector<Fr> basis = {Fr::zero(),      Fr::one(),
                               -Fr::one(),      Fr::from_u64(1) * random.scalar(),
                               random.scalar(), Fr::power_of_two(253),
                               Fr::from_u64(2)};
      std::vector<Fr> scalars(size);
      for (Fr& scalar : scalars) scalar = basis[random.below(basis.size())];
      EXPECT_EQ(msm(kernels(), points, scalars), naive(points, scalars)) << size;
    }
  }
}

TEST_P(MsmOnEachKernelSet, OfOnePointRepeatedIsItsProductWithTheSum) {
  test::Random random;
  for (std::size_t size : {30u, 5000u, 20000u}) {
    const std::vector<G1Affine> points(size, random.point());
    const Fr scalar = random.scalar();
    EXPECT_EQ(msm(kernels(), points, std::vector<Fr>(size, scalar)), points[0] * (scalar * Fr::from_u64(size)));
  }
}

TEST_P(MsmOnEachKernelSet, CancelsOppositePairsToTheIdentity) {
  test::Random random;
  std::vector<G1Affine> points = random.points(400);
  std::vector<Fr> scalars(800);
  for (std::size_t i = 0; i < 400; ++i) {
    points.push_back(-points[i]);
    scalars[i] = scalars[400 + i] = random.scalar();
  }
  EXPECT_TRUE(msm(kernels(), points, scalars).is_identity());
}

template <class Int>
void expect_small_agrees(const Kernels& kernels, test::Random& random, const std::vector<G1Affine>& points,
                         std::uint64_t magnitude) {
  std::vector<Int> small(points.size());
  std::vector<Fr> scalars(points.size());
  const std::vector<Int> corners = {0, 1, -1, std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()};
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (magnitude == 0) {
      small[i] = corners[random.below(corners.size())];
    } else {
      small[i] = static_cast<Int>(static_cast<Int>(random.word() % magnitude) - static_cast<Int>(magnitude / 2));
    }
    scalars[i] = Fr::from_i64(small[i]);
  }
  EXPECT_EQ(msm_small<Int>(kernels, points, small), naive(points, scalars)) << points.size() << " " << magnitude;
}

TEST_P(MsmOnEachKernelSet, SmallScalarsAgreeWithSeparateProducts) {
  test::Random random;
  for (std::size_t size : test::edge_sizes()) {
    for (const auto& points : {random.points(size), random.corner_points(size)}) {
      for (std::uint64_t magnitude : {0u, 2u, 3u, 200u})
        expect_small_agrees<std::int8_t>(kernels(), random, points, magnitude);
      for (std::uint64_t magnitude : {0u, 30000u})
        expect_small_agrees<std::int16_t>(kernels(), random, points, magnitude);
      for (std::uint64_t magnitude : {0u, 1u << 20})
        expect_small_agrees<std::int32_t>(kernels(), random, points, magnitude);
      for (std::uint64_t magnitude : {0ul, 1ul << 40})
        expect_small_agrees<std::int64_t>(kernels(), random, points, magnitude);
    }
  }
}

TEST_P(MsmOnEachKernelSet, SmallScalarsAtEveryBoundOfWindows) {
  test::Random random;
  const std::vector<G1Affine> points = random.points(40);
  for (unsigned bits = 0; bits < 63; ++bits) {
    for (int delta : {-1, 0, 1}) {
      std::vector<std::int64_t> small(points.size());
      std::vector<Fr> scalars(points.size());
      for (std::size_t i = 0; i < points.size(); ++i) {
        small[i] = (std::int64_t{1} << bits) + delta;
        if (random.below(2) == 0) small[i] = -small[i];
        scalars[i] = Fr::from_i64(small[i]);
      }
      EXPECT_EQ(msm_small<std::int64_t>(kernels(), points, small), naive(points, scalars)) << bits << " " << delta;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, MsmOnEachKernelSet, testing::ValuesIn(test::all_kernels()),
                         [](const auto& set) { return std::string(set.param->name); });

TEST(Msm, AgreesWithIntegers) {
  test::Random random;
  const std::vector<G1Affine> points = random.points(30);
  std::vector<Fr> scalars(points.size());
  test::Oracle expected;
  for (std::size_t i = 0; i < points.size(); ++i) {
    scalars[i] = random.scalar();
    expected = expected + test::to_integer(scalars[i].to_limbs()) * test::Oracle::of(points[i]);
  }
  EXPECT_EQ(test::Oracle::of(msm(points, scalars).to_affine()), expected);
}

}  // namespace
}  // namespace blindproof::curve

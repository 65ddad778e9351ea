#include "blindproof/curve/g2.h"

#include <gtest/gtest.h>

#include "blindproof/curve/curve_test_support.h"
#include "blindproof/curve/fixed_base.h"
#include "blindproof/curve/msm_kernels.h"

namespace blindproof::curve {
namespace {

G2Affine random_g2(test::Random& random) { return (G2::generator() * random.scalar()).to_affine(); }

Fq random_fq(test::Random& random) { return Fq::from_limbs(random.scalar().to_limbs()); }
Fq2 random_fq2(test::Random& random) { return {random_fq(random), random_fq(random)}; }

// On the curve, but (almost surely) of another order.
G2Affine point_outside(test::Random& random) {
  const Fq2 b = G2Affine::generator().y.squared() - G2Affine::generator().x.squared() * G2Affine::generator().x;
  for (;;) {
    const Fq2 x = random_fq2(random);
    if (const std::optional<Fq2> y = (x.squared() * x + b).square_root()) return {x, *y};
  }
}

bool has_order_r(const G2Affine& point) {  // by the definition
  G2 sum;
  for (std::size_t bit = 256; bit-- > 0;) {
    sum = sum.doubled();
    if ((Fr::kModulus[bit / 64] >> (bit % 64) & 1) != 0) sum += point;
  }
  return sum.is_identity();
}

TEST(G2, GeneratorHasTheOrderOfTheScalarField) {
  EXPECT_TRUE(G2Affine::generator().is_on_curve());
  EXPECT_TRUE(has_order_r(G2Affine::generator()));
  EXPECT_TRUE(G2Affine::identity().is_in_group());
  EXPECT_FALSE((G2Affine{Fq2::one(), Fq2::one()}).is_on_curve());
  EXPECT_FALSE((G2Affine{Fq2::one(), Fq2::one()}).is_in_group());
}

TEST(G2, SumsAreRightForEveryPairOfCornerCases) {
  test::Random random;
  // Points by their logarithms, so that sums are known.
  std::vector<Fr> logs{Fr::zero(), Fr::one(), -Fr::one(), Fr::from_u64(2), -Fr::from_u64(2), random.scalar(), random.scalar()};
  for (const Fr& a : logs) {
    const G2 x = G2::generator() * a;
    EXPECT_EQ(x.doubled(), G2::generator() * a.doubled());
    EXPECT_EQ(G2(x.to_affine()), x);
    EXPECT_EQ(x.is_identity(), a.is_zero());
    for (const Fr& b : logs) {
      const G2 y = G2::generator() * b, sum = G2::generator() * (a + b);
      EXPECT_EQ(x + y, sum);
      EXPECT_EQ(x + y.to_affine(), sum);
      EXPECT_EQ(x - (-y), sum);
    }
  }
  std::vector<G2> points;
  for (const Fr& a : logs) points.push_back(G2::generator() * a);
  std::vector<G2Affine> affine(points.size());
  batch_to_affine(points, affine);
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(affine[i], points[i].to_affine());
}

TEST(G2, MembershipAgreesWithTheDefinition) {
  test::Random random;
  for (int i = 0; i < 10; ++i) {
    const G2Affine inside = random_g2(random), outside = point_outside(random);
    EXPECT_TRUE(inside.is_in_group());
    EXPECT_TRUE(has_order_r(inside));
    EXPECT_TRUE(outside.is_on_curve());
    EXPECT_EQ(outside.is_in_group(), has_order_r(outside));
    EXPECT_FALSE(outside.is_in_group());
    // A point of the cofactor's order: outside, however it is mixed with one of the group.
    EXPECT_FALSE((G2(inside) + outside).to_affine().is_in_group());
  }
}

// Points of known logarithms, few of them different: equal, opposite and identical pairs meet in every bucket.
struct Sample {
  std::vector<Fr> logs, scalars;
  std::vector<G2Affine> points;
  G2 expected;

  Sample(std::size_t count, std::size_t different, test::Random& random) {
    std::vector<Fr> basis_logs{Fr::zero()};
    for (std::size_t i = 0; i < different; ++i) basis_logs.push_back(random.scalar());
    std::vector<G2Affine> basis;
    for (const Fr& log : basis_logs) basis.push_back((G2::generator() * log).to_affine());
    Fr sum;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t k = random.below(basis.size());
      const bool negative = random.below(2) == 0;
      points.push_back(negative ? -basis[k] : basis[k]);
      logs.push_back(negative ? -basis_logs[k] : basis_logs[k]);
      const Fr scalar = i % 4 == 0 ? Fr::from_u64(random.below(4)) : i % 4 == 1 ? -Fr::from_u64(random.below(3)) : random.scalar();
      scalars.push_back(scalar);
      sum += scalar * logs.back();
    }
    expected = G2::generator() * sum;
  }
};

TEST(G2, SumsOfProductsAreRightWithEveryKernelSet) {
  test::Random random;
  for (const std::size_t count : {0u, 1u, 7u, 24u, 25u, 64u, 200u, 1000u, 5000u}) {
    const Sample sample(count, count % 3 == 0 ? 3 : 20, random);
    for (const Kernels* kernels : test::all_kernels()) EXPECT_EQ(msm(*kernels, sample.points, sample.scalars), sample.expected) << kernels->name << count;
  }
}

TEST(G2, KernelsAddEqualOppositeAndDistinctPairs) {
  test::Random random;
  for (const Kernels* kernels : test::all_kernels()) {
    for (const bool doublings : {false, true}) {
      for (const std::size_t count : test::edge_sizes()) {
        std::vector<G2Affine> a(count), b(count), sums(count);
        for (std::size_t i = 0; i < count; ++i) {
          a[i] = random_g2(random);
          b[i] = count % 2 == 0 && i % 5 == 3 ? (i % 2 == 0 ? a[i] : -a[i]) : random_g2(random);
        }
        std::vector<PackedG2> packed_a(count), packed_b(count), out(count);
        kernels->pack_g2(a.data(), count, packed_a.data());
        kernels->pack_g2(b.data(), count, packed_b.data());
        std::vector<Addition<PackedG2>> jobs;
        bool identity = false;
        for (std::size_t i = 0; i < count; ++i) {
          jobs.push_back({&packed_a[i], RefTo<PackedG2>(&packed_b[i], i % 3 == 0), &out[i]});
          identity |= (G2(a[i]) + (i % 3 == 0 ? -b[i] : b[i])).is_identity();
        }
        EXPECT_EQ(kernels->add_pairs_g2(jobs.data(), count, doublings, &thread_scratch()), identity);
        kernels->unpack_g2(out.data(), count, sums.data());
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(sums[i], (G2(a[i]) + (i % 3 == 0 ? -b[i] : b[i])).to_affine());
      }
    }
  }
}

TEST(MultiplyEach, GivesEachProduct) {
  test::Random random;
  for (const std::size_t count : {0u, 1u, 5u, 100u, 3000u}) {
    std::vector<Fr> scalars{Fr::zero(), Fr::one(), -Fr::one(), Fr::power_of_two(253)};
    while (scalars.size() < count) scalars.push_back(random.scalar());
    scalars.resize(count);
    const G1Affine p = random.point();
    const G2Affine q = random_g2(random);
    const std::vector<G1Affine> multiples = multiply_each(p, scalars);
    const std::vector<G2Affine> multiples2 = multiply_each(q, scalars);
    for (std::size_t i = 0; i < count; i += i < 8 ? 1 : 97) {
      EXPECT_EQ(multiples[i], (p * scalars[i]).to_affine());
      EXPECT_EQ(multiples2[i], (q * scalars[i]).to_affine());
    }
    for (const G2Affine& zero : multiply_each(G2Affine::identity(), scalars)) EXPECT_TRUE(zero.is_identity());
  }
}

}  // namespace
}  // namespace blindproof::curve

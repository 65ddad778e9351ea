#include "blindproof/curve/fixed_base.h"

#include <gtest/gtest.h>

#include "blindproof/curve/curve_test_support.h"

namespace blindproof::curve {
namespace {

class FixedBaseOnEachKernelSet : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

TEST_P(FixedBaseOnEachKernelSet, AgreesWithScalarMultiplicationForEveryWindow) {
  test::Random random;
  const G1Affine base = random.point();
  for (int bits = 2; bits <= 14; ++bits) {
    const FixedBaseTable table(kernels(), base, bits);
    std::vector<Fr> scalars = {Fr::zero(),     Fr::one(), -Fr::one(), Fr::from_u64(2), Fr::power_of_two(253),
                               random.scalar()};
    for (int shift : {bits - 1, bits, 2 * bits - 1, 128, 252}) {
      scalars.push_back(Fr::power_of_two(shift));
      scalars.push_back(Fr::power_of_two(shift) - Fr::one());
      scalars.push_back(Fr::power_of_two(shift) + Fr::one());
      scalars.push_back(-Fr::power_of_two(shift));
    }
    for (const Fr& scalar : scalars) EXPECT_EQ(table.multiply(scalar), base * scalar) << bits;
  }
}

TEST_P(FixedBaseOnEachKernelSet, SumsOfProductsAgree) {
  test::Random random;
  const std::vector<G1Affine> bases = random.points(5);
  std::vector<FixedBaseTable> tables;
  for (std::size_t i = 0; i < bases.size(); ++i) tables.emplace_back(kernels(), bases[i], static_cast<int>(6 + i));
  for (std::size_t count = 0; count <= bases.size(); ++count) {
    std::vector<const FixedBaseTable*> some;
    std::vector<Fr> scalars;
    G1 expected;
    for (std::size_t i = 0; i < count; ++i) {
      some.push_back(&tables[i]);
      scalars.push_back(random.scalar());
      expected += bases[i] * scalars[i];
    }
    EXPECT_EQ(multiply_sum(some, scalars), expected);
  }
}

TEST_P(FixedBaseOnEachKernelSet, RelatedBasesAgree) {
  test::Random random;
  const G1Affine base = random.point();
  const FixedBaseTable table(kernels(), base, 8), opposite(kernels(), -base, 8), identity(kernels(), G1Affine(), 8);
  const Fr scalar = random.scalar();
  EXPECT_TRUE(identity.multiply(scalar).is_identity());
  EXPECT_TRUE(multiply_sum(std::vector{&table, &opposite}, std::vector{scalar, scalar}).is_identity());
  EXPECT_EQ(multiply_sum(std::vector{&table, &table, &identity}, std::vector{scalar, scalar, scalar}),
            base * scalar.doubled());
  for (std::uint64_t a : {1u, 2u, 3u}) {
    EXPECT_EQ(multiply_sum(std::vector{&table, &table, &table, &table, &table, &table, &table, &table, &opposite},
                           std::vector<Fr>(9, Fr::from_u64(a))),
              base * Fr::from_u64(7 * a));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, FixedBaseOnEachKernelSet, testing::ValuesIn(test::all_kernels()),
                         [](const auto& set) { return std::string(set.param->name); });

}  // namespace
}  // namespace blindproof::curve

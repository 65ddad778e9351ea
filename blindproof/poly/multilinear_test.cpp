#include "blindproof/poly/multilinear.h"

#include <gtest/gtest.h>

#include "blindproof/poly/naive_poly.h"

namespace blindproof::poly {
namespace {

class MultilinearOnEverySet : public OnEverySet {};
INSTANTIATE_TEST_SUITE_P(Sets, MultilinearOnEverySet, every_set(), set_name);

TEST_P(MultilinearOnEverySet, EqTableHoldsEveryProduct) {
  for (std::size_t n = 0; n <= 12; ++n) {
    for (Values values : kAllValues) {
      const std::vector<Fr> z = fields(n, values, n);
      const std::vector<Fr> expected = naive_eq_table(z);
      ASSERT_EQ(eq_table(z).to_vector(), expected);
      ASSERT_EQ(eq_values(z), expected);
    }
  }
}

TEST_P(MultilinearOnEverySet, EvaluationIsTheSumAgainstTheEqTable) {
  for (std::size_t n = 0; n <= 12; ++n) {
    for (Values values : kAllValues) {
      const std::vector<Fr> z = fields(n, Values::kRandom, n), f = fields(std::size_t{1} << n, values, n + 1);
      const std::vector<Fr> eq = naive_eq_table(z);
      Fr expected;
      for (std::size_t i = 0; i < f.size(); ++i) expected += f[i] * eq[i];
      ASSERT_EQ(evaluate(FrVector(f), z), expected);
      ASSERT_EQ(evaluate(std::span<const Fr>(f), z), expected);
    }
  }
}

TEST_P(MultilinearOnEverySet, EvaluationOnTheCubeIsTheTable) {
  const std::size_t n = 5;
  const std::vector<Fr> f = fields(std::size_t{1} << n, Values::kRandom, 1);
  for (std::size_t index = 0; index < f.size(); ++index) {
    std::vector<Fr> z(n);
    for (std::size_t j = 0; j < n; ++j) z[j] = (index >> j & 1) != 0 ? Fr::one() : Fr::zero();
    ASSERT_EQ(evaluate(FrVector(f), z), f[index]);
  }
}

TEST_P(MultilinearOnEverySet, LargeEqTableSumsToOne) {
  const std::vector<Fr> z = fields(17, Values::kRandom, 3);
  const FrVector table = eq_table(z);
  EXPECT_EQ(dot(table, FrVector(std::vector<Fr>(table.size(), Fr::one()))), Fr::one());
  EXPECT_EQ(table.at(123456 % table.size()), naive_eq(z, 123456 % table.size()));
  EXPECT_EQ(evaluate(table, z), eq_at(z, z));
}

TEST(Multilinear, PrefixIsExtendedByZeros) {
  for (std::size_t n = 0; n <= 7; ++n) {
    const std::vector<Fr> z = fields(n, Values::kRandom, n), f = fields(std::size_t{1} << n, Values::kRandom, n + 1);
    Fr expected;
    for (std::size_t used = 0; used <= f.size(); ++used) {
      ASSERT_EQ(evaluate(std::span(f).first(used), z), expected) << n << " " << used;
      if (used < f.size()) expected += f[used] * naive_eq(z, used);
    }
  }
}

TEST(Multilinear, CutSumsMatchTheirDefinition) {
  for (std::size_t n = 0; n <= 7; ++n) {
    for (Values values : kAllValues) {
      const std::vector<Fr> z = fields(n, values, n), x = fields(n, Values::kRandom, n + 1);
      Fr product_sum, sum;
      for (std::size_t used = 0; used <= std::size_t{1} << n; ++used) {
        ASSERT_EQ(cut_eq_at(z, used, x), product_sum) << n << " " << used;
        ASSERT_EQ(cut_sum_at(z, used), sum) << n << " " << used;
        if (used == std::size_t{1} << n) break;
        product_sum += naive_eq(z, used) * naive_eq(x, used);
        sum += naive_eq(z, used);
      }
      EXPECT_EQ(eq_at(z, x), product_sum);
      EXPECT_EQ(sum, Fr::one());
    }
  }
}

}  // namespace
}  // namespace blindproof::poly

#include "blindproof/poly/fraction_tree.h"

#include <gtest/gtest.h>

#include "blindproof/poly/naive_poly.h"

namespace blindproof::poly {
namespace {

class FractionTreeOnEverySet : public OnEverySet {};
INSTANTIATE_TEST_SUITE_P(Sets, FractionTreeOnEverySet, every_set(), set_name);

struct Level {
  std::vector<Fr> p, q;
};

Level naive_parent(const Level& child) {
  const std::size_t half = child.p.size() / 2;
  Level parent;
  for (std::size_t i = 0; i < half; ++i) {
    parent.p.push_back(child.p[i] * child.q[half + i] + child.p[half + i] * child.q[i]);
    parent.q.push_back(child.q[i] * child.q[half + i]);
  }
  return parent;
}

FractionLeaves leaves_of(const Level& level, bool ones) {
  return {FrVector(level.q), ones ? FrVector() : FrVector(level.p)};
}

void check(std::size_t n, Values denominators, Values numerators, bool ones, Values lambdas) {
  const std::size_t size = std::size_t{1} << n;
  std::vector<Level> levels(n + 1);
  levels[n] = {ones ? std::vector<Fr>(size, Fr::one()) : fields(size, numerators, n + 1),
               fields(size, denominators, n + 2)};
  for (std::size_t k = n; k-- > 0;) levels[k] = naive_parent(levels[k + 1]);

  FractionTree tree(leaves_of(levels[n], ones));
  ASSERT_EQ(tree.log_leaves(), n);
  ASSERT_EQ(tree.root_numerator(), levels[0].p[0]);
  ASSERT_EQ(tree.root_denominator(), levels[0].q[0]);

  for (std::size_t k = 0; k < n; ++k) {
    const std::vector<Fr> z = fields(k, Values::kRandom, k + 3), r = fields(k, lambdas, k + 4);
    const Fr lambda = fields(1, lambdas, k + 5)[0];
    const auto half_of = [&](const std::vector<Fr>& table, bool top) {
      const auto begin = table.begin() + (top ? static_cast<std::ptrdiff_t>(table.size() / 2) : 0);
      return std::vector<Fr>(begin, begin + static_cast<std::ptrdiff_t>(table.size() / 2));
    };
    std::vector<Fr> p0 = half_of(levels[k + 1].p, false), p1 = half_of(levels[k + 1].p, true);
    std::vector<Fr> q0 = half_of(levels[k + 1].q, false), q1 = half_of(levels[k + 1].q, true);
    FractionTree::Layer layer = tree.layer(k, z, lambda);
    for (std::size_t i = 0; i < k; ++i) {
      const std::vector<Fr> eq = naive_eq_table(std::span(z).first(k - 1 - i));
      const QuadraticRound expected = naive_round([&](const Fr& x) {
        const auto a0 = naive_bind(p0, x), a1 = naive_bind(p1, x), b0 = naive_bind(q0, x), b1 = naive_bind(q1, x);
        Fr sum;
        for (std::size_t j = 0; j < eq.size(); ++j) {
          sum += eq[j] * (a0[j] * b1[j] + a1[j] * b0[j] + lambda * b0[j] * b1[j]);
        }
        return sum;
      });
      expect_equal(layer.round(), expected, "layer " + std::to_string(k) + " round " + std::to_string(i));
      layer.bind(r[i]);
      for (std::vector<Fr>* table : {&p0, &p1, &q0, &q1}) *table = naive_bind(*table, r[i]);
    }
    const FractionEnds ends = layer.ends();
    ASSERT_EQ(ends.p0, p0[0]);
    ASSERT_EQ(ends.p1, p1[0]);
    ASSERT_EQ(ends.q0, q0[0]);
    ASSERT_EQ(ends.q1, q1[0]);
  }
}

TEST_P(FractionTreeOnEverySet, LayersWithNumeratorsMatchTheirDefinition) {
  for (std::size_t n = 0; n <= 9; ++n) {
    for (Values values : kAllValues) {
      check(n, values, Values::kRandom, false, Values::kRandom);
      check(n, Values::kRandom, values, false, values);
    }
  }
}

TEST_P(FractionTreeOnEverySet, LayersWithoutNumeratorsMatchTheirDefinition) {
  for (std::size_t n = 0; n <= 9; ++n) {
    for (Values values : kAllValues) check(n, values, Values::kOnes, true, Values::kRandom);
  }
}

TEST_P(FractionTreeOnEverySet, LambdaZeroNeedsNoInverse) {
  for (std::size_t n = 0; n <= 7; ++n) {
    check(n, Values::kRandom, Values::kOnes, true, Values::kZeros);
    check(n, Values::kRandom, Values::kRandom, false, Values::kZeros);
  }
}

// A whole proof as the verifier sees it: from the root to one claim on the leaves.
void check_proof(std::size_t n, bool ones, Values values) {
  const std::size_t size = std::size_t{1} << n;
  const Level leaves{ones ? std::vector<Fr>(size, Fr::one()) : fields(size, values, n + 1),
                     fields(size, values, n + 2)};
  FractionTree tree(leaves_of(leaves, ones));
  Fr p = tree.root_numerator(), q = tree.root_denominator();
  std::vector<Fr> z;
  for (std::size_t k = 0; k < n; ++k) {
    const Fr lambda = fields(1, Values::kRandom, 100 + k)[0];
    FractionTree::Layer layer = tree.layer(k, z, lambda);
    const std::vector<Fr> r = fields(k, Values::kRandom, 200 + k);
    std::vector<Fr> next(k);
    Fr claim = p + lambda * q;
    for (std::size_t i = 0; i < k; ++i) {
      const QuadraticRound t = layer.round();
      const Fr top = z[k - 1 - i];
      const Fr at_one = (claim - (Fr::one() - top) * t.at_zero) * top.inverse();
      claim = t.at_zero + r[i] * (at_one - t.at_zero - t.leading + r[i] * t.leading);
      layer.bind(r[i]);
      next[k - 1 - i] = r[i];
    }
    const FractionEnds e = layer.ends();
    ASSERT_EQ(claim, e.p0 * e.q1 + e.p1 * e.q0 + lambda * e.q0 * e.q1) << "layer " << k;
    const Fr mu = fields(1, Values::kRandom, 300 + k)[0];
    p = e.p0 + mu * (e.p1 - e.p0);
    q = e.q0 + mu * (e.q1 - e.q0);
    next.push_back(mu);
    z = next;
  }
  EXPECT_EQ(q, evaluate(FrVector(leaves.q), z));
  EXPECT_EQ(p, evaluate(FrVector(leaves.p), z));
}

TEST_P(FractionTreeOnEverySet, LargeTreesReduceTheRootToTheLeaves) {
  for (bool ones : {false, true}) {
    check_proof(12, ones, Values::kRandom);
    check_proof(16, ones, Values::kRandom);
    check_proof(13, ones, Values::kMost);
  }
}

}  // namespace
}  // namespace blindproof::poly

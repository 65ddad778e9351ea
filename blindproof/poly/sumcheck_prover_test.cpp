#include "blindproof/poly/sumcheck_prover.h"

#include <gtest/gtest.h>

#include "blindproof/poly/naive_poly.h"

namespace blindproof::poly {
namespace {

class SumcheckProverOnEverySet : public OnEverySet {};
INSTANTIATE_TEST_SUITE_P(Sets, SumcheckProverOnEverySet, every_set(), set_name);

/// sum_x eq(z',x) f(X,x) g(X,x) with the top variable set to X; z' empty of meaning (weight 1) if z is null.
Fr naive_sum(const std::vector<Fr>& f, const std::vector<Fr>& g, const std::vector<Fr>* z, const Fr& top) {
  const std::vector<Fr> a = naive_bind(f, top), b = naive_bind(g, top);
  std::vector<Fr> weights(a.size(), Fr::one());
  if (z != nullptr) {
    std::size_t m = 0;
    while (std::size_t{1} << m < a.size()) ++m;
    weights = naive_eq_table(std::span(*z).first(m));
  }
  Fr sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum += weights[i] * a[i] * b[i];
  return sum;
}

template <class Prover>
void check(Prover prover, std::vector<Fr> f, std::vector<Fr> g, const std::vector<Fr>* z, Values challenges) {
  std::size_t n = 0;
  while (std::size_t{1} << n < f.size()) ++n;
  const std::vector<Fr> r = fields(n, challenges, n + 77);
  for (std::size_t i = 0; i < n; ++i) {
    const QuadraticRound expected = naive_round([&](const Fr& x) { return naive_sum(f, g, z, x); });
    expect_equal(prover.round(), expected, "round " + std::to_string(i) + " of " + std::to_string(n));
    if (i % 3 == 1) expect_equal(prover.round(), expected, "asked twice");
    prover.bind(r[i]);
    f = naive_bind(f, r[i]);
    g = naive_bind(g, r[i]);
  }
  ASSERT_EQ(prover.f_end(), f[0]);
  ASSERT_EQ(prover.g_end(), g[0]);
}

TEST_P(SumcheckProverOnEverySet, ProductRoundsMatchTheirDefinition) {
  for (std::size_t n = 0; n <= 10; ++n) {
    for (Values values : kAllValues) {
      for (Values challenges : {Values::kRandom, Values::kMixed, Values::kMost}) {
        const std::vector<Fr> f = fields(std::size_t{1} << n, values, n), g = fields(f.size(), Values::kRandom, n + 1);
        check(ProductProver(FrVector(f), FrVector(g)), f, g, nullptr, challenges);
        check(ProductProver(FrVector(f), FrVector(f)), f, f, nullptr, challenges);
      }
    }
  }
}

TEST_P(SumcheckProverOnEverySet, EqProductRoundsMatchTheirDefinition) {
  for (std::size_t n = 0; n <= 10; ++n) {
    for (Values values : kAllValues) {
      for (Values challenges : {Values::kRandom, Values::kMixed, Values::kMost}) {
        const std::vector<Fr> f = fields(std::size_t{1} << n, values, n), g = fields(f.size(), Values::kRandom, n + 1);
        const std::vector<Fr> z = fields(n, challenges, n + 2);
        check(EqProductProver(z, FrVector(f), FrVector(g)), f, g, &z, challenges);
        check(EqProductProver(z, FrVector(f), FrVector(f)), f, f, &z, challenges);
      }
    }
  }
}

TEST_P(SumcheckProverOnEverySet, RoundsMayBeSkipped) {
  for (std::size_t n : {1u, 3u, 4u, 6u, 9u}) {
    std::vector<Fr> f = fields(std::size_t{1} << n, Values::kRandom, n), g = fields(f.size(), Values::kRandom, n + 1);
    const std::vector<Fr> z = fields(n, Values::kRandom, n + 2), r = fields(n, Values::kRandom, n + 3);
    EqProductProver prover(z, FrVector(f), FrVector(g));
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 3 == 2) {
        expect_equal(prover.round(), naive_round([&](const Fr& x) { return naive_sum(f, g, &z, x); }), "after skips");
      }
      prover.bind(r[i]);
      f = naive_bind(f, r[i]);
      g = naive_bind(g, r[i]);
    }
    EXPECT_EQ(prover.f_end(), f[0]);
    EXPECT_EQ(prover.g_end(), g[0]);
  }
}

// The verifier's side: each round's claim is the sum of its two halves, and the last one is the product of the ends.
template <class Prover>
void check_claims(Prover prover, Fr claim, const std::vector<Fr>* z, const std::vector<Fr>& r) {
  for (std::size_t i = 0; i < r.size(); ++i) {
    const QuadraticRound t = prover.round();
    const Fr z_top = z == nullptr ? Fr::from_u64(2).inverse() : (*z)[r.size() - 1 - i];
    // claim = (1 - z) t(0) + z t(1); without z, claim = t(0) + t(1) = 2 (t(0)/2 + t(1)/2).
    if (z == nullptr) claim *= Fr::from_u64(2).inverse();
    const Fr at_one = (claim - (Fr::one() - z_top) * t.at_zero) * z_top.inverse();
    const Fr linear = at_one - t.at_zero - t.leading;
    claim = t.at_zero + r[i] * (linear + r[i] * t.leading);
    prover.bind(r[i]);
  }
  ASSERT_EQ(prover.f_end() * prover.g_end(), claim);
}

TEST_P(SumcheckProverOnEverySet, LargeSumsReduceToTheProductOfTheEnds) {
  for (std::size_t n : {12u, 17u}) {
    for (Values values : {Values::kRandom, Values::kMost}) {
      const std::vector<Fr> f = fields(std::size_t{1} << n, values, n), g = fields(f.size(), values, n + 1);
      const std::vector<Fr> z = fields(n, Values::kRandom, n + 2), r = fields(n, Values::kRandom, n + 3);
      const FrVector eq = eq_table(z);
      const std::vector<Fr> weights = eq.to_vector();
      Fr sum, eq_sum;
      for (std::size_t i = 0; i < f.size(); ++i) {
        sum += f[i] * g[i];
        eq_sum += weights[i] * f[i] * g[i];
      }
      check_claims(ProductProver(FrVector(f), FrVector(g)), sum, nullptr, r);
      check_claims(EqProductProver(z, FrVector(f), FrVector(g)), eq_sum, &z, r);
    }
  }
}

}  // namespace
}  // namespace blindproof::poly

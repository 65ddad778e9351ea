#include "blindproof/proof/sumcheck/sumcheck.h"

#include <gtest/gtest.h>

#include <random>

#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/zk/dishonest_prover_test_support.h"

namespace blindproof::proof::sumcheck {
namespace {

using field::FrVector;
using zk::Attempt;
using zk::attempt;
using zk::place_of;
using zk::Protocol;

std::vector<Fr> random_values(std::size_t variables, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fr> values;
  for (std::size_t i = 0; i < std::size_t{1} << variables; ++i) values.push_back(Fr::from_u64(random()).squared());
  return values;
}

// The caller's duty, with public factors: claim = factor at the point.
void require_claim(Context& context, const Reduced& reduced, const Fr& expected) {
  context.require_zero("end", reduced.claim - expected);
}

Fr at(const std::vector<Fr>& values, const Point& z) { return poly::evaluate(FrVector(values), z); }

// A sum-check of public tables whose claim is off by `error`.
Protocol product(std::size_t variables, std::int64_t error) {
  return [=](Context& context) {
    const auto f = random_values(variables, 1), g = random_values(variables, 2);
    Fr sum = Fr::from_i64(error);
    for (std::size_t i = 0; i < f.size(); ++i) sum += f[i] * g[i];
    std::optional<poly::ProductProver> prover;
    if (context.proving()) prover.emplace(FrVector(f), FrVector(g));
    const Reduced reduced = prove_product(context, "s", context.commit_one("claim", sum), variables, prover ? &*prover : nullptr);
    EXPECT_EQ(reduced.point.size(), variables);
    if (prover) {
      EXPECT_EQ(prover->f_end(), at(f, reduced.point));
      EXPECT_EQ(prover->g_end(), at(g, reduced.point));
    }
    require_claim(context, reduced, at(f, reduced.point) * at(g, reduced.point));
  };
}

Protocol eq_product(std::size_t variables, std::int64_t error) {
  return [=](Context& context) {
    const auto f = random_values(variables, 3), g = random_values(variables, 4);
    const Point z = context.challenge_point("z", variables);
    const std::vector<Fr> eq = poly::eq_values(z);
    Fr sum = Fr::from_i64(error);
    for (std::size_t i = 0; i < f.size(); ++i) sum += eq[i] * f[i] * g[i];
    std::optional<poly::EqProductProver> prover;
    if (context.proving()) prover.emplace(z, FrVector(f), FrVector(g));
    const Reduced reduced = prove_eq_product(context, "s", context.commit_one("claim", sum), z, prover ? &*prover : nullptr);
    EXPECT_EQ(reduced.point.size(), variables);
    require_claim(context, reduced, at(f, reduced.point) * at(g, reduced.point));
  };
}

// The last layer of a tree of 2^(variables+1) fractions.
Protocol fraction_layer(std::size_t variables, bool ones, std::int64_t error) {
  return [=](Context& context) {
    const auto p = ones ? std::vector<Fr>(std::size_t{2} << variables, Fr::one()) : random_values(variables + 1, 5);
    const auto q = random_values(variables + 1, 6);
    const Point z = context.challenge_point("z", variables);
    const Fr lambda = context.challenge("lambda");
    const std::vector<Fr> eq = poly::eq_values(z);
    const std::size_t half = std::size_t{1} << variables;
    Fr sum = Fr::from_i64(error);
    for (std::size_t i = 0; i < half; ++i) sum += eq[i] * (p[i] * q[half + i] + p[half + i] * q[i] + lambda * q[i] * q[half + i]);
    std::optional<poly::FractionTree> tree;
    std::optional<poly::FractionTree::Layer> prover;
    if (context.proving()) {
      tree.emplace(poly::FractionLeaves{FrVector(q), ones ? FrVector() : FrVector(p)});
      prover.emplace(tree->layer(variables, z, lambda));
    }
    const Reduced reduced = prove_fraction_layer(context, "s", context.commit_one("claim", sum), z, prover ? &*prover : nullptr);
    const auto part = [&](const std::vector<Fr>& values, std::size_t offset) {
      return at({values.begin() + static_cast<std::ptrdiff_t>(offset), values.begin() + static_cast<std::ptrdiff_t>(offset + half)}, reduced.point);
    };
    const Fr p0 = part(p, 0), p1 = part(p, half), q0 = part(q, 0), q1 = part(q, half);
    require_claim(context, reduced, p0 * q1 + p1 * q0 + lambda * q0 * q1);
  };
}

std::vector<std::function<Protocol(std::size_t, std::int64_t)>> kinds() {
  return {product, eq_product, [](std::size_t n, std::int64_t error) { return fraction_layer(n, false, error); },
          [](std::size_t n, std::int64_t error) { return fraction_layer(n, true, error); }};
}

TEST(Sumcheck, AcceptsTrueClaims) {
  for (const auto& kind : kinds()) {
    for (std::size_t variables : {0u, 1u, 2u, 3u, 4u, 7u}) {
      const Attempt result = attempt(kind(variables, 0));
      EXPECT_EQ(result.violated, std::vector<std::string>()) << variables;
      EXPECT_TRUE(result.verdict.ok());
    }
  }
}

TEST(Sumcheck, RefusesFalseClaims) {
  for (const auto& kind : kinds()) {
    for (std::size_t variables : {0u, 1u, 4u}) {
      const Attempt result = attempt(kind(variables, 1));
      EXPECT_EQ(result.violated, std::vector<std::string>{"end"}) << variables;
      EXPECT_EQ(place_of(result.verdict), "sigma");
    }
  }
}

TEST(Sumcheck, RefusesEveryWrongCoefficient) {
  for (const auto& kind : kinds()) {
    for (std::size_t round = 0; round < 4; ++round) {
      for (std::size_t slot : {0u, 1u}) {
        const Attempt result = attempt(kind(4, 0), {{"s round " + std::to_string(round), {{slot, Fr::one()}}}});
        EXPECT_EQ(result.violated, std::vector<std::string>{"end"});
        EXPECT_EQ(place_of(result.verdict), "sigma");
      }
    }
  }
}

}  // namespace
}  // namespace blindproof::proof::sumcheck

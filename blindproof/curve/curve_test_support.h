// For this module's tests: affine curve arithmetic over GMP integers as the oracle, and inputs full of corner cases.
#pragma once

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/kernels.h"

namespace blindproof::curve::test {

inline mpz_class to_integer(const field::Limbs& limbs) {
  mpz_class value;
  mpz_import(value.get_mpz_t(), limbs.size(), -1, sizeof(limbs[0]), 0, 0, limbs.data());
  return value;
}

/// An affine point over the integers modulo q.
struct Oracle {
  mpz_class x, y;
  bool identity = true;

  static const mpz_class& modulus() {
    static const mpz_class q = to_integer(Fq::kModulus);
    return q;
  }
  static Oracle of(const G1Affine& point) {
    if (point.is_identity()) return {};
    return {to_integer(point.x.to_limbs()), to_integer(point.y.to_limbs()), false};
  }

  friend bool operator==(const Oracle& a, const Oracle& b) {
    return a.identity == b.identity && (a.identity || (a.x == b.x && a.y == b.y));
  }
  friend Oracle operator-(const Oracle& a) { return {a.x, a.identity ? a.y : mpz_class(modulus() - a.y), a.identity}; }
  friend Oracle operator+(const Oracle& a, const Oracle& b) {
    if (a.identity) return b;
    if (b.identity) return a;
    const mpz_class& q = modulus();
    mpz_class numerator = b.y - a.y, denominator = b.x - a.x;
    if (a.x == b.x) {
      if (a.y != b.y) return {};
      numerator = 3 * a.x * a.x;
      denominator = 2 * a.y;
    }
    mpz_invert(denominator.get_mpz_t(), denominator.get_mpz_t(), q.get_mpz_t());
    const mpz_class slope = numerator * denominator;
    Oracle r{slope * slope - a.x - b.x, 0, false};
    mpz_mod(r.x.get_mpz_t(), r.x.get_mpz_t(), q.get_mpz_t());
    r.y = slope * (a.x - r.x) - a.y;
    mpz_mod(r.y.get_mpz_t(), r.y.get_mpz_t(), q.get_mpz_t());
    return r;
  }
  friend Oracle operator*(const mpz_class& scalar, const Oracle& a) {
    const Oracle base = scalar < 0 ? -a : a;
    const mpz_class magnitude = abs(scalar);
    Oracle r;
    for (std::size_t i = mpz_sizeinbase(magnitude.get_mpz_t(), 2); i-- > 0;) {
      r = r + r;
      if (mpz_tstbit(magnitude.get_mpz_t(), i) != 0) r = r + base;
    }
    return r;
  }
};

/// Seeded by BLINDPROOF_TEST_SEED or a constant; a failing test prints the seed.
class Random {
 public:
  Random()
      : seed_(read_seed()),
        engine_(seed_),
        trace_(__FILE__, __LINE__, "BLINDPROOF_TEST_SEED=" + std::to_string(seed_)) {}

  std::uint64_t word() { return engine_(); }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  Fr scalar() {
    std::array<std::uint8_t, 64> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    return Fr::from_wide_bytes(bytes);
  }
  G1Affine point() { return (G1::generator() * scalar()).to_affine(); }
  /// Distinct points without a visible relation, cheaper than point() for each.
  std::vector<G1Affine> points(std::size_t count) {
    G1 current = G1(point());
    const G1 step = G1(point());
    std::vector<G1> sums(count);
    for (auto& sum : sums) sum = current = current.doubled() + step;
    std::vector<G1Affine> affine(count);
    batch_to_affine(sums, affine);
    return affine;
  }
  /// Few distinct points, repeated, negated, doubled and replaced by the identity.
  std::vector<G1Affine> corner_points(std::size_t count) {
    std::vector<G1Affine> basis = points(3);
    basis.push_back(G1(basis[0]).doubled().to_affine());
    basis.push_back((G1(basis[0]) + basis[1]).to_affine());
    basis.push_back(G1Affine::identity());
    std::vector<G1Affine> out(count);
    for (auto& out_point : out) {
      out_point = basis[below(basis.size())];
      if (below(2) == 0) out_point = -out_point;
    }
    return out;
  }

 private:
  static std::uint64_t read_seed() {
    const char* text = std::getenv("BLINDPROOF_TEST_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 20240607;
  }

  std::uint64_t seed_;
  std::mt19937_64 engine_;
  testing::ScopedTrace trace_;
};

/// Every kernel set that this machine can run.
inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> sets{&portable_kernels()};
  if (ifma_kernels() != nullptr) sets.push_back(ifma_kernels());
  return sets;
}

/// Sizes at the edges of the lanes and of larger groups.
inline std::vector<std::size_t> edge_sizes() { return {0, 1, 2, 7, 8, 9, 16, 17, 24, 25, 63, 64, 65, 200}; }

}  // namespace blindproof::curve::test

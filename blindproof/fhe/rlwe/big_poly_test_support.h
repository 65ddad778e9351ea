// Oracles over big integers: coefficients by the Chinese remainder theorem.
#pragma once

#include <gmpxx.h>

#include <vector>

#include "blindproof/fhe/rlwe/poly.h"

namespace blindproof::fhe::rlwe {

inline mpz_class to_mpz(std::uint64_t value) {
  mpz_class result;
  mpz_import(result.get_mpz_t(), 1, -1, sizeof value, 0, 0, &value);
  return result;
}

inline mpz_class modulus_product(const NttPoly& a) {
  mpz_class product = 1;
  for (std::size_t i = 0; i < a.limbs(); ++i) product *= to_mpz(a.modulus(i).value());
  return product;
}

/// The coefficients' representatives in (-Q/2, Q/2].
inline std::vector<mpz_class> centered_coefficients(const NttPoly& a) {
  const CoeffPoly coefficients = to_coefficients(NttPoly(a));
  const mpz_class q = modulus_product(a);
  std::vector<mpz_class> result(a.degree());
  for (std::size_t limb = 0; limb < a.limbs(); ++limb) {
    const mpz_class prime = to_mpz(a.modulus(limb).value());
    const mpz_class cofactor = q / prime;
    mpz_class inverse;
    mpz_invert(inverse.get_mpz_t(), cofactor.get_mpz_t(), prime.get_mpz_t());
    for (std::size_t i = 0; i < a.degree(); ++i) {
      result[i] += to_mpz(coefficients.limb(limb)[i]) * inverse % prime * cofactor;
    }
  }
  for (mpz_class& c : result) {
    c %= q;
    if (2 * c > q) c -= q;
  }
  return result;
}

/// Schoolbook, modulo X^N + 1.
inline std::vector<mpz_class> negacyclic_product(const std::vector<mpz_class>& a, const std::vector<mpz_class>& b) {
  const std::size_t n = a.size();
  std::vector<mpz_class> result(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i + j < n) {
        result[i + j] += a[i] * b[j];
      } else {
        result[i + j - n] -= a[i] * b[j];
      }
    }
  }
  return result;
}

inline std::vector<mpz_class> centered(std::vector<mpz_class> a, const mpz_class& q) {
  for (mpz_class& c : a) {
    c %= q;
    if (c < 0) c += q;
    if (2 * c > q) c -= q;
  }
  return a;
}

/// a(X^g) modulo X^N + 1.
inline std::vector<mpz_class> automorphism(const std::vector<mpz_class>& a, std::size_t g) {
  const std::size_t n = a.size();
  std::vector<mpz_class> result(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t exponent = i * g % (2 * n);
    result[exponent % n] = exponent < n ? a[i] : mpz_class(-a[i]);
  }
  return result;
}

}  // namespace blindproof::fhe::rlwe

#include "blindproof/fhe/rlwe/ciphertext.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/sampling.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr double kTernaryVariance = 2.0 / 3.0;

double log2_digit(const Ring& ring, std::size_t digit, std::size_t q_limbs) {
  double bits = 0;
  for (std::size_t i = ring.digit_begin(digit); i < ring.digit_end(digit, q_limbs); ++i) {
    bits += std::log2(static_cast<double>(ring.modulus({q_limbs, false}, i).value()));
  }
  return bits;
}

Parts accumulated(const Parts& a, const KeySwitchKey& key) {
  BLINDPROOF_CHECK(a.size() == 3, "relinearisation takes ciphertexts of degree 2");
  Pair sum = accumulate(a[2], key);
  add_lifted(sum.c0, a[0]);
  add_lifted(sum.c1, a[1]);
  Parts result;
  result.push_back(std::move(sum.c0));
  result.push_back(std::move(sum.c1));
  return result;
}

// a(X^g), from a's second part or its digits.
template <class Second>
Parts switched(const Parts& a, const Second& second, const GaloisKey& key, std::uint64_t t) {
  const RingPtr& ring = a[0].ring_ptr();
  const Basis basis = a[0].basis();
  Parts result;
  for (int part = 0; part < 2; ++part) result.emplace_back(ring, basis);
  switch_each(second, key.key, ring->drop_p(basis.q_limbs), t, [&](std::size_t k, std::size_t i, std::span<std::uint64_t> limb) {
    if (k == 0) field::add(a[0].modulus(i), limb, a[0].limb(i), limb);
    field::permute(key.permutation, limb, result[k].limb(i));
  });
  return result;
}

}  // namespace

Parts encrypt_zero(const PublicKey& key, const Basis& basis, std::uint64_t error_multiplier, crypto::Csprng& random) {
  BLINDPROOF_CHECK(!basis.with_p && basis.q_limbs <= key.b.limbs(), "the public key has moduli of Q only");
  const RingPtr& ring = key.b.ring_ptr();
  const NttPoly v = sample_ternary_poly(ring, basis, random);
  Parts result;
  for (const NttPoly* half : {&key.b, &key.a}) {
    NttPoly part = sample_error_poly(ring, basis, error_multiplier, random);
    base::parallel_for(part.limbs(), [&](std::size_t i) {
      field::multiply_add(part.modulus(i), half->limb(i), v.limb(i), part.limb(i));
    });
    part.declassify();
    result.push_back(std::move(part));
  }
  return result;
}

SeededParts encrypt_zero(const SecretKey& key, const Basis& basis, std::uint64_t error_multiplier,
                         crypto::Csprng& random) {
  SeededParts result;
  random.fill(result.seed);
  NttPoly a = expand_uniform(key.ring(), basis, result.seed, 0);
  result.parts.push_back(masked_error(a, key.values(), error_multiplier, random));
  result.parts.push_back(std::move(a));
  return result;
}

NttPoly phase(const Parts& parts, const SecretKey& key) {
  BLINDPROOF_CHECK(!parts.empty() && parts[0].ring_ptr() == key.ring(), "a ciphertext of another ring");
  const Basis basis = parts[0].basis();
  NttPoly result(key.ring(), basis, Secrecy::kSecret);
  base::parallel_for(result.limbs(), [&](std::size_t i) {
    const std::size_t key_limb = i < basis.q_limbs ? i : i + key.values().basis().q_limbs - basis.q_limbs;
    const std::span<std::uint64_t> out = result.limb(i);
    std::ranges::copy(parts.back().limb(i), out.begin());
    for (std::size_t j = parts.size() - 1; j-- > 0;) {
      field::multiply(result.modulus(i), out, key.values().limb(key_limb), out);
      field::add(result.modulus(i), out, parts[j].limb(i), out);
    }
  });
  return result;
}

bool is_transparent(const Parts& a) noexcept {
  for (std::size_t i = 1; i < a.size(); ++i) {
    for (std::size_t limb = 0; limb < a[i].limbs(); ++limb) {
      if (std::ranges::any_of(a[i].limb(limb), [](std::uint64_t value) { return value != 0; })) return false;
    }
  }
  return true;
}

void add_to(Parts& a, const Parts& b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i < a.size()) {
      add_to(a[i], b[i]);
    } else {
      a.push_back(b[i]);
    }
  }
}

void subtract_from(Parts& a, const Parts& b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i < a.size()) {
      subtract_from(a[i], b[i]);
    } else {
      a.push_back(b[i]);
      negate(a.back());
    }
  }
}

void negate(Parts& a) {
  for (NttPoly& part : a) negate(part);
}

void multiply_by(Parts& a, const NttPoly& b) {
  for (NttPoly& part : a) multiply_by(part, b);
}

void scale(Parts& a, std::span<const std::uint64_t> factors) {
  for (NttPoly& part : a) scale(part, factors);
}

Parts truncate(const Parts& a, const Basis& target) {
  Parts result;
  for (const NttPoly& part : a) result.push_back(truncate(part, target));
  return result;
}

Parts multiply(const Parts& a, const Parts& b) {
  BLINDPROOF_CHECK(a.size() == 2 && b.size() == 2, "factors have degree 1: relinearise them first");
  BLINDPROOF_CHECK(a[0].ring_ptr() == b[0].ring_ptr() && a[0].basis() == b[0].basis(), "factors of one level");
  Parts c;
  for (int part = 0; part < 3; ++part) c.emplace_back(a[0].ring_ptr(), a[0].basis());
  base::parallel_for(a[0].limbs(), [&](std::size_t i) {
    field::tensor(a[0].modulus(i), a[0].limb(i), a[1].limb(i), b[0].limb(i), b[1].limb(i), c[0].limb(i), c[1].limb(i),
                  c[2].limb(i));
  });
  return c;
}

Parts square(const Parts& a) { return multiply(a, a); }

Parts multiply(const Parts& a, const NttPoly& b) {
  Parts result;
  for (const NttPoly& part : a) {
    result.push_back(product(part, b));
    result.back().declassify();
  }
  return result;
}

void multiply_add(Parts& acc, const Parts& a, const Parts& b) {
  BLINDPROOF_CHECK(a.size() == 2 && b.size() == 2 && acc.size() == 3, "factors have degree 1: relinearise them first");
  multiply_add(acc[0], a[0], b[0]);
  multiply_add(acc[1], a[0], b[1]);
  multiply_add(acc[1], a[1], b[0]);
  multiply_add(acc[2], a[1], b[1]);
}

void multiply_add(Parts& acc, const Parts& a, const NttPoly& b) {
  while (acc.size() < a.size()) acc.push_back(NttPoly::zero(a[0].ring_ptr(), a[0].basis()));
  for (std::size_t i = 0; i < a.size(); ++i) multiply_add(acc[i], a[i], b);
}

Parts relinearize(const Parts& a, const KeySwitchKey& key, std::uint64_t t) {
  return divide(accumulated(a, key), a[0].ring().drop_p(a[0].basis().q_limbs), t);
}

Parts relinearize_and_rescale(const Parts& a, const KeySwitchKey& key, std::uint64_t t) {
  BLINDPROOF_CHECK(a[0].basis().q_limbs >= 2, "there is no modulus left to divide by");
  return divide(accumulated(a, key), a[0].ring().drop_p_and_last(a[0].basis().q_limbs), t);
}

Parts rescale(Parts&& a, std::uint64_t t) {
  BLINDPROOF_CHECK(a[0].basis().q_limbs >= 2, "there is no modulus left to divide by");
  const Division& division = a[0].ring().drop_last(a[0].basis().q_limbs);
  return divide(std::move(a), division, t);
}

Parts divide(Parts&& a, const Division& division, std::uint64_t t) {
  Parts result;
  std::vector<NttPoly*> polynomials;
  for (NttPoly& part : a) {
    polynomials.push_back(&part);
    result.emplace_back(part.ring_ptr(), division.to, part.secrecy());
  }
  divide_each(polynomials, division, t, [&](std::size_t k, std::size_t i, std::span<std::uint64_t> limb) {
    std::ranges::copy(limb, result[k].limb(i).begin());
  });
  return result;
}

Parts apply_galois(const Parts& a, const GaloisKey& key, std::uint64_t t) {
  BLINDPROOF_CHECK(a.size() == 2, "automorphisms take ciphertexts of degree 1: relinearise first");
  return switched(a, a[1], key, t);
}

Parts apply_galois(const Parts& a, const Decomposition& digits, const GaloisKey& key, std::uint64_t t) {
  BLINDPROOF_CHECK(a.size() == 2, "automorphisms take ciphertexts of degree 1: relinearise first");
  return switched(a, digits, key, t);
}

double fresh_public_key_noise(const Ring& ring) {
  return std::sqrt(kErrorVariance * (1 + 2 * kTernaryVariance * static_cast<double>(ring.degree())));
}

double fresh_secret_key_noise() { return std::sqrt(kErrorVariance); }

double key_switch_noise(const Ring& ring, std::size_t q_limbs) {
  const double n = static_cast<double>(ring.degree());
  const double log2_p = ring.log2_modulus({q_limbs, true}) - ring.log2_modulus({q_limbs, false});
  double variance = 0;
  for (std::size_t digit = 0; digit < ring.digit_count(q_limbs); ++digit) {
    variance += n * kErrorVariance / 12 * std::exp2(2 * (log2_digit(ring, digit, q_limbs) - log2_p));
  }
  const double rounding = rounding_noise(ring);
  return std::sqrt(variance + rounding * rounding);
}

double rounding_noise(const Ring& ring) {
  return std::sqrt((1 + kTernaryVariance * static_cast<double>(ring.degree())) / 12);
}

}  // namespace blindproof::fhe::rlwe

#include "blindproof/groth16/prove.h"

#include <algorithm>
#include <bit>

#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/random.h"
#include "blindproof/curve/msm.h"
#include "blindproof/poly/fr_fft.h"

namespace blindproof::groth16 {
namespace {

using curve::G1;
using curve::G2;
using field::FrVector;

Fr random_scalar(crypto::Csprng& random) {
  crypto::Secret<std::array<std::uint8_t, 64>> bytes;
  random.fill(bytes.expose_mutable());
  return Fr::from_wide_bytes(bytes.expose());
}

// Values of A (matrix 0) and B (1) on the witness, constraint by constraint.
base::Result<std::array<std::vector<Fr>, 2>> evaluate(const Zkey& key, std::span<const Fr> witness) {
  std::array<std::vector<Fr>, 2> values;
  for (std::vector<Fr>& v : values) v.resize(key.header().domain);
  constexpr std::size_t kAtOnce = 1 << 18;
  for (std::size_t first = 0; first < key.coefficients(); first += kAtOnce) {
    BLINDPROOF_ASSIGN(const std::vector<Coefficient> coefficients, key.read_coefficients(first, std::min(kAtOnce, key.coefficients() - first)));
    base::parallel_for(2, [&](std::size_t matrix) {
      for (const Coefficient& c : coefficients) {
        if (c.matrix == matrix && !witness[c.wire].is_zero()) values[matrix][c.constraint] += c.value * witness[c.wire];
      }
    });
  }
  return values;
}

// A B - C at the odd powers of a root of twice the domain's order, where the key's points H belong.
std::vector<Fr> quotient(std::array<std::vector<Fr>, 2> values) {
  const int log_size = std::countr_zero(values[0].size());
  const poly::FrFft fft = poly::FrFft::create(log_size).value();
  const Fr shift = poly::FrFft::root(log_size + 1);
  std::vector<Fr> products(values[0].size());
  base::parallel_ranges(products.size(), 4096, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) products[i] = values[0][i] * values[1][i];
  });
  FrVector a(values[0]), b(values[1]), c(products);
  for (std::vector<Fr>* done : {&values[0], &values[1], &products}) std::vector<Fr>().swap(*done);
  for (FrVector* v : {&a, &b, &c}) {
    fft.inverse(*v);
    poly::multiply_by_powers(*v, shift);
    fft.forward(*v);
  }
  poly::multiply_subtract(a, b, c);
  return a.to_vector();
}

// sum_i scalars_i * (point i of the section), a part of the section at a time.
template <class Sum, class Read>
base::Status add_products(Sum& sum, std::span<const Fr> scalars, Read&& read) {
  constexpr std::size_t kAtOnce = 1 << 20;
  for (std::size_t first = 0; first < scalars.size(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, scalars.size() - first);
    BLINDPROOF_ASSIGN(const auto points, read(first, count));
    sum += curve::msm(std::span(points), scalars.subspan(first, count));
  }
  return {};
}

}  // namespace

base::Result<Proof> prove(const Zkey& key, std::span<const Fr> witness, const base::Progress& progress) {
  const ZkeyHeader& header = key.header();
  if (witness.size() != header.wires || !(witness[0] == Fr::one())) {
    return base::error(base::ErrorCode::kMismatch, "witness",
                       "has " + std::to_string(witness.size()) + " values, of which the first must be 1; the key is for a circuit of " +
                           std::to_string(header.wires));
  }
  constexpr std::uint64_t kSteps = 7;
  progress.report("constraints", 0, kSteps);
  BLINDPROOF_ASSIGN(auto values, evaluate(key, witness));
  progress.report("quotient", 1, kSteps);
  G1 c;
  {
    const std::vector<Fr> h = quotient(std::move(values));
    progress.report("products", 2, kSteps);
    BLINDPROOF_TRY(add_products(c, h, [&](std::size_t first, std::size_t count) { return key.g1_points(kZkeyH, first, count); }));
  }
  progress.report("products", 3, kSteps);
  const std::span<const Fr> hidden = witness.subspan(header.public_values + std::size_t{1});
  BLINDPROOF_TRY(add_products(c, hidden, [&](std::size_t first, std::size_t count) { return key.g1_points(kZkeyC, first, count); }));
  G1 a(header.alpha1), b1(header.beta1);
  G2 b(header.beta2);
  progress.report("products", 4, kSteps);
  BLINDPROOF_TRY(add_products(a, witness, [&](std::size_t first, std::size_t count) { return key.g1_points(kZkeyA, first, count); }));
  progress.report("products", 5, kSteps);
  BLINDPROOF_TRY(add_products(b1, witness, [&](std::size_t first, std::size_t count) { return key.g1_points(kZkeyB1, first, count); }));
  progress.report("products", 6, kSteps);
  BLINDPROOF_TRY(add_products(b, witness, [&](std::size_t first, std::size_t count) { return key.g2_points(kZkeyB2, first, count); }));

  crypto::Csprng random;
  const Fr r = random_scalar(random), s = random_scalar(random);
  a += header.delta1 * r;
  b1 += header.delta1 * s;
  b += header.delta2 * s;
  c += a * s;
  c += b1 * r;
  c -= header.delta1 * (r * s);
  const Proof proof{a.to_affine(), b.to_affine(), c.to_affine()};

  BLINDPROOF_ASSIGN(const VerificationKey verification_key, key.verification_key());
  const base::Status good = verify(verification_key, witness.subspan(1, header.public_values), proof);
  if (!good.ok() && good.error().place == "pairing") {
    return base::error(base::ErrorCode::kInvalidArgument, "witness", "doesn't satisfy the circuit's constraints, or the key is damaged");
  }
  BLINDPROOF_TRY(good);
  progress.report("products", kSteps, kSteps);
  return proof;
}

}  // namespace blindproof::groth16

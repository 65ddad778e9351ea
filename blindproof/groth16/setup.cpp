#include "blindproof/groth16/setup.h"

#include <bit>

#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/random.h"
#include "blindproof/curve/fixed_base.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/poly/fr_fft.h"

namespace blindproof::groth16 {
namespace {

// What must be forgotten.
struct Waste {
  Fr tau, alpha, beta, delta;
};

Fr nonzero(crypto::Csprng& random) {
  for (;;) {
    crypto::Secret<std::array<std::uint8_t, 64>> bytes;
    random.fill(bytes.expose_mutable());
    const Fr value = Fr::from_wide_bytes(bytes.expose());
    if (!value.is_zero()) return value;
  }
}

// L_(first + step i)(x) for i < count: Lagrange polynomials on the powers of root(log_domain), that are 1 at one power and 0 at all others.
// L_k(x) = (x^n - 1) w^k / (n (x - w^k)).   Requires: x is no power.
std::vector<Fr> lagrange(const Fr& x, int log_domain, std::size_t first, std::size_t step, std::size_t count) {
  const std::size_t n = std::size_t{1} << log_domain;
  const Fr w = poly::FrFft::root(log_domain), ratio = w.power({step, 0, 0, 0});
  const Fr factor = (x.power({n, 0, 0, 0}) - Fr::one()) * Fr::from_u64(n).inverse();
  std::vector<Fr> powers(count), values(count);
  Fr power = w.power({first, 0, 0, 0});
  for (std::size_t i = 0; i < count; ++i) {
    powers[i] = power;
    values[i] = x - power;
    power *= ratio;
  }
  field::batch_invert(std::span<Fr>(values));
  for (std::size_t i = 0; i < count; ++i) values[i] *= powers[i] * factor;
  return values;
}

// sum over constraints of factors times basis, for each wire.
std::vector<Fr> columns_of(const Combinations& combinations, std::span<const Fr> basis, std::uint32_t wires) {
  std::vector<Fr> result(wires);
  for (std::size_t i = 0; i < combinations.size(); ++i) {
    for (std::uint64_t k = combinations.begins[i]; k < combinations.begins[i + 1]; ++k) {
      result[combinations.wires[k]] += combinations.factors[k] * basis[i];
    }
  }
  return result;
}

base::Status write_key(const R1cs& r1cs, const Waste& waste, const std::filesystem::path& path, const base::Progress& progress) {
  const std::uint32_t public_values = r1cs.public_wires(), domain = domain_of(r1cs.constraints(), public_values);
  const int log_domain = std::countr_zero(domain);
  const std::vector<Fr> basis = lagrange(waste.tau, log_domain, 0, 1, domain);
  std::vector<Fr> a, b, c;
  base::parallel_for(3, [&](std::size_t i) {
    if (i == 0) {
      a = columns_of(r1cs.a, basis, r1cs.wires);
      // One more constraint for each public wire makes their polynomials independent (Groth16 needs it; snarkjs adds the same).
      for (std::uint32_t k = 0; k <= public_values; ++k) a[k] += basis[r1cs.constraints() + k];
    } else {
      (i == 1 ? b : c) = columns_of(i == 1 ? r1cs.b : r1cs.c, basis, r1cs.wires);
    }
  });

  constexpr std::uint64_t kSteps = 7;
  const G1Affine g1 = G1Affine::generator();
  const G2Affine g2 = G2Affine::generator();
  const auto times1 = [&](const Fr& x) { return (g1 * x).to_affine(); };
  const auto times2 = [&](const Fr& x) { return (g2 * x).to_affine(); };
  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(path, "zkey", 1, 11));
  BLINDPROOF_TRY(writer.section(kZkeyProtocol, base::Bytes{1, 0, 0, 0}));
  const ZkeyHeader header{r1cs.wires, public_values, domain, times1(waste.alpha), times1(waste.beta), times1(waste.delta),
                          times2(waste.beta), g2, times2(waste.delta)};  // gamma is 1, as in snarkjs
  BLINDPROOF_TRY(writer.section(kZkeyHeader, zkey_header_bytes(header)));

  progress.report("points", 0, kSteps);
  std::vector<Fr> outer(r1cs.wires);  // beta a + alpha b + c, over gamma for public wires, over delta for others
  const Fr inverse_delta = waste.delta.inverse();
  for (std::uint32_t i = 0; i < r1cs.wires; ++i) {
    outer[i] = waste.beta * a[i] + waste.alpha * b[i] + c[i];
    if (i > public_values) outer[i] *= inverse_delta;
  }
  const std::vector<G1Affine> combined = curve::multiply_each(g1, outer);
  const std::span<const G1Affine> ic = std::span<const G1Affine>(combined).first(public_values + std::size_t{1});
  BLINDPROOF_TRY(writer.section(kZkeyIc, bytes_of(ic)));

  progress.report("constraints", 1, kSteps);
  BLINDPROOF_TRY(writer.begin(kZkeyCoefficients, coefficient_section_bytes(r1cs)));
  BLINDPROOF_TRY(for_coefficient_blocks(r1cs, [&](base::ByteSpan block) { return writer.write(block); }));

  progress.report("points", 2, kSteps);
  BLINDPROOF_TRY(writer.section(kZkeyA, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, a)))));
  progress.report("points", 3, kSteps);
  BLINDPROOF_TRY(writer.section(kZkeyB1, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, b)))));
  progress.report("points", 4, kSteps);
  BLINDPROOF_TRY(writer.section(kZkeyB2, bytes_of(std::span<const G2Affine>(curve::multiply_each(g2, b)))));
  BLINDPROOF_TRY(writer.section(kZkeyC, bytes_of(std::span<const G1Affine>(combined).subspan(ic.size()))));
  progress.report("points", 5, kSteps);
  std::vector<Fr> odd = lagrange(waste.tau, log_domain + 1, 1, 2, domain);
  for (Fr& value : odd) value *= inverse_delta;
  BLINDPROOF_TRY(writer.section(kZkeyH, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, odd)))));
  progress.report("points", 6, kSteps);
  // No contribution: a digest of the circuit (64 bytes, unknown here) and their number.
  BLINDPROOF_TRY(writer.section(kZkeyContributions, base::Bytes(68)));
  BLINDPROOF_TRY(writer.section(kZkeyInsecure, base::as_bytes("INSECURE development setup: its secrets were known to one process")));
  progress.report("points", kSteps, kSteps);
  return writer.commit();
}

}  // namespace

base::Status setup_for_development(const R1cs& r1cs, const std::filesystem::path& path, const base::Progress& progress) {
  if (r1cs.constraints() == 0) return base::error(base::ErrorCode::kInvalidArgument, "circuit", "has no constraints");
  crypto::Csprng random;
  crypto::Secret<Waste> waste;
  waste.expose_mutable() = {nonzero(random), nonzero(random), nonzero(random), nonzero(random)};
  return write_key(r1cs, waste.expose(), path, progress);
}

}  // namespace blindproof::groth16

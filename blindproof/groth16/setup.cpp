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

template <class Point>
base::ByteSpan bytes_of(std::span<const Point> points) {
  return {reinterpret_cast<const std::uint8_t*>(points.data()), points.size_bytes()};
}

base::Status write_section(SectionWriter& writer, std::uint32_t type, base::ByteSpan bytes) {
  BLINDPROOF_TRY(writer.begin(type, bytes.size()));
  return writer.write(bytes);
}

void append(base::ByteWriter& out, std::uint32_t matrix, std::uint32_t constraint, std::uint32_t wire, const Fr& value) {
  static const Fr factor = Fr::power_of_two(512);
  out.u32(matrix);
  out.u32(constraint);
  out.u32(wire);
  out.raw((value * factor).to_bytes());
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
  BLINDPROOF_TRY(write_section(writer, kZkeyProtocol, base::Bytes{1, 0, 0, 0}));
  base::ByteWriter header;
  header.u32(32);
  header.raw(modulus_bytes<Fq>());
  header.u32(32);
  header.raw(modulus_bytes<Fr>());
  header.u32(r1cs.wires);
  header.u32(public_values);
  header.u32(domain);
  const G1Affine alpha1 = times1(waste.alpha), beta1 = times1(waste.beta), delta1 = times1(waste.delta);
  const G2Affine beta2 = times2(waste.beta), delta2 = times2(waste.delta);
  header.raw(bytes_of(std::span<const G1Affine>(&alpha1, 1)));
  header.raw(bytes_of(std::span<const G1Affine>(&beta1, 1)));
  header.raw(bytes_of(std::span<const G2Affine>(&beta2, 1)));
  header.raw(bytes_of(std::span<const G2Affine>(&g2, 1)));  // gamma, 1 as in snarkjs
  header.raw(bytes_of(std::span<const G1Affine>(&delta1, 1)));
  header.raw(bytes_of(std::span<const G2Affine>(&delta2, 1)));
  BLINDPROOF_TRY(write_section(writer, kZkeyHeader, header.bytes()));

  progress.report("points", 0, kSteps);
  std::vector<Fr> outer(r1cs.wires);  // beta a + alpha b + c, over gamma for public wires, over delta for others
  const Fr inverse_delta = waste.delta.inverse();
  for (std::uint32_t i = 0; i < r1cs.wires; ++i) {
    outer[i] = waste.beta * a[i] + waste.alpha * b[i] + c[i];
    if (i > public_values) outer[i] *= inverse_delta;
  }
  const std::vector<G1Affine> combined = curve::multiply_each(g1, outer);
  const std::span<const G1Affine> ic = std::span<const G1Affine>(combined).first(public_values + std::size_t{1});
  BLINDPROOF_TRY(write_section(writer, kZkeyIc, bytes_of(ic)));

  progress.report("constraints", 1, kSteps);
  const std::size_t terms = r1cs.a.wires.size() + r1cs.b.wires.size() + public_values + 1;
  BLINDPROOF_TRY(writer.begin(kZkeyCoefficients, 4 + kCoefficientBytes * terms));
  base::ByteWriter count;
  count.u32(static_cast<std::uint32_t>(terms));
  BLINDPROOF_TRY(writer.write(count.bytes()));
  constexpr std::size_t kConstraintsAtOnce = 1 << 12;
  for (std::size_t first = 0; first < r1cs.constraints(); first += kConstraintsAtOnce) {
    base::ByteWriter block;
    for (std::size_t i = first; i < std::min(first + kConstraintsAtOnce, r1cs.constraints()); ++i) {
      for (const std::uint32_t matrix : {0u, 1u}) {
        const Combinations& part = matrix == 0 ? r1cs.a : r1cs.b;
        for (std::uint64_t k = part.begins[i]; k < part.begins[i + 1]; ++k) {
          append(block, matrix, static_cast<std::uint32_t>(i), part.wires[k], part.factors[k]);
        }
      }
    }
    BLINDPROOF_TRY(writer.write(block.bytes()));
  }
  base::ByteWriter block;
  for (std::uint32_t k = 0; k <= public_values; ++k) append(block, 0, static_cast<std::uint32_t>(r1cs.constraints()) + k, k, Fr::one());
  BLINDPROOF_TRY(writer.write(block.bytes()));

  progress.report("points", 2, kSteps);
  BLINDPROOF_TRY(write_section(writer, kZkeyA, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, a)))));
  progress.report("points", 3, kSteps);
  BLINDPROOF_TRY(write_section(writer, kZkeyB1, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, b)))));
  progress.report("points", 4, kSteps);
  BLINDPROOF_TRY(write_section(writer, kZkeyB2, bytes_of(std::span<const G2Affine>(curve::multiply_each(g2, b)))));
  BLINDPROOF_TRY(write_section(writer, kZkeyC, bytes_of(std::span<const G1Affine>(combined).subspan(ic.size()))));
  progress.report("points", 5, kSteps);
  std::vector<Fr> odd = lagrange(waste.tau, log_domain + 1, 1, 2, domain);
  for (Fr& value : odd) value *= inverse_delta;
  BLINDPROOF_TRY(write_section(writer, kZkeyH, bytes_of(std::span<const G1Affine>(curve::multiply_each(g1, odd)))));
  progress.report("points", 6, kSteps);
  // No contribution: a digest of the circuit (64 bytes, unknown here) and their number.
  BLINDPROOF_TRY(write_section(writer, kZkeyContributions, base::Bytes(68)));
  BLINDPROOF_TRY(write_section(writer, kZkeyInsecure, base::as_bytes("INSECURE development setup: its secrets were known to one process")));
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

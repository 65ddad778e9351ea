#include "blindproof/poly/ntt.h"

#include <algorithm>
#include <new>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/poly/ntt_kernels.h"

namespace blindproof::poly {
namespace {

using field::FixedFactor;
using field::Modulus;

constexpr std::align_val_t kAlignment{64};

const NttKernels& kernels() noexcept {
  switch (field::kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma:
      return kNttKernelsIfma;
    case base::Simd::kAvx2:
      return kNttKernelsAvx2;
#endif
    default:
      return kNttKernelsPortable;
  }
}

std::size_t reverse_bits(std::size_t x, int bits) {
  std::size_t reversed = 0;
  for (int i = 0; i < bits; ++i) reversed |= (x >> i & 1) << (bits - 1 - i);
  return reversed;
}

/// Exchanges the lowest two groups of three bits.
std::size_t transpose_block(std::size_t i) { return (i & ~std::size_t{63}) | (i & 7) << 3 | (i >> 3 & 7); }

std::uint64_t smallest_root(const Modulus& q, std::size_t degree) {
  const std::uint64_t cofactor = (q.value() - 1) / (2 * degree);
  std::uint64_t root = 0;
  for (std::uint64_t base = 2;; ++base) {
    root = q.power(base, cofactor);
    if (q.power(root, degree) == q.value() - 1) break;
  }
  // The others are its odd powers.
  const FixedFactor step = q.fixed_factor(q.multiply(root, root));
  std::uint64_t smallest = root;
  for (std::size_t i = 1; i < degree; ++i) smallest = std::min(smallest, root = q.multiply(root, step));
  return smallest;
}

NttArguments arguments_of(const NttTables& tables) {
  return {&tables.modulus(), tables.log_degree(), tables.values(), tables.quotients(), {}, {}};
}

void inverse(const NttTables& tables, std::uint64_t scale, std::span<std::uint64_t> a) noexcept {
  BLINDPROOF_CHECK(a.size() == tables.degree(), "ntt_inverse: wrong number of values");
  const Modulus& q = tables.modulus();
  NttArguments arguments = arguments_of(tables);
  arguments.scale = q.fixed_factor(scale);
  arguments.scaled_root = q.fixed_factor(q.multiply(scale, {tables.values()[1], tables.quotients()[1]}));
  kernels().inverse(arguments, a.data());
}

}  // namespace

NttTables::NttTables(const Modulus& modulus, int log_degree)
    : modulus_(modulus),
      log_degree_(log_degree),
      root_(smallest_root(modulus, degree())),
      inverse_of_degree_(modulus.fixed_factor(modulus.inverse(modulus.reduce(degree())))) {
  const std::size_t n = degree(), groups = n / 8;
  auto* const values = static_cast<std::uint64_t*>(::operator new[](2 * n * sizeof(std::uint64_t), kAlignment));
  words_.reset(values,
               [](const std::uint64_t* words) { ::operator delete[](const_cast<std::uint64_t*>(words), kAlignment); });
  std::uint64_t* const quotients = values + n;
  values[0] = quotients[0] = 0;
  const auto put = [&](std::size_t at, std::uint64_t value) {
    const FixedFactor factor = modulus.fixed_factor(value);
    values[at] = factor.value;
    quotients[at] = factor.quotient;
  };
  const FixedFactor root = modulus.fixed_factor(root_);
  std::uint64_t power = 1;
  for (std::size_t exponent = 0; exponent < n; ++exponent, power = modulus.multiply(power, root)) {
    const std::size_t index = reverse_bits(exponent, log_degree);
    if (index < groups) {
      put(index, power);
      continue;
    }
    const int stage = index < 2 * groups ? 0 : index < 4 * groups ? 1 : 2;
    const std::size_t offset = index - (groups << stage);  // 2^stage entries for each group
    const std::size_t group = offset >> stage, row = (std::size_t{1} << stage) - 1 + (offset & ((1u << stage) - 1));
    put(groups + group / 8 * 56 + row * 8 + group % 8, power);
  }
}

base::Result<NttTables> NttTables::create(const Modulus& modulus, int log_degree) {
  const auto invalid = [](std::string detail) {
    return base::error(base::ErrorCode::kInvalidArgument, "transform", std::move(detail));
  };
  if (log_degree < kMinLogDegree || log_degree > kMaxLogDegree) {
    return invalid("the degree must be 2^" + std::to_string(kMinLogDegree) + " to 2^" + std::to_string(kMaxLogDegree));
  }
  if ((modulus.value() - 1) % (std::uint64_t{2} << log_degree) != 0) {
    return invalid("the modulus " + std::to_string(modulus.value()) + " is not 1 modulo 2^" +
                   std::to_string(log_degree + 1));
  }
  return NttTables(modulus, log_degree);
}

void ntt_forward(const NttTables& tables, std::span<std::uint64_t> a) noexcept {
  BLINDPROOF_CHECK(a.size() == tables.degree(), "ntt_forward: wrong number of coefficients");
  kernels().forward(arguments_of(tables), a.data());
}

void ntt_inverse(const NttTables& tables, std::span<std::uint64_t> a) noexcept {
  inverse(tables, tables.inverse_of_degree().value, a);
}

void ntt_inverse_scaled(const NttTables& tables, std::uint64_t c, std::span<std::uint64_t> a) noexcept {
  BLINDPROOF_CHECK(c < tables.modulus().value(), "ntt_inverse_scaled: the constant is not reduced");
  inverse(tables, tables.modulus().multiply(c, tables.inverse_of_degree()), a);
}

std::size_t ntt_exponent(int log_degree, std::size_t i) noexcept {
  return 2 * reverse_bits(transpose_block(i), log_degree) + 1;
}

std::size_t ntt_index(int log_degree, std::size_t exponent) noexcept {
  const std::size_t degree = std::size_t{1} << log_degree;
  return transpose_block(reverse_bits(exponent % (2 * degree) / 2, log_degree));
}

std::vector<std::uint32_t> automorphism_permutation(int log_degree, std::size_t galois_element) {
  BLINDPROOF_CHECK(galois_element % 2 == 1, "automorphism_permutation: the element must be odd");
  std::vector<std::uint32_t> permutation(std::size_t{1} << log_degree);
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    const std::size_t exponent = ntt_exponent(log_degree, i) * (galois_element % (2 * permutation.size()));
    permutation[i] = static_cast<std::uint32_t>(ntt_index(log_degree, exponent));
  }
  return permutation;
}

}  // namespace blindproof::poly

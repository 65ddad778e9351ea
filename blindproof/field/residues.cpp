#include "blindproof/field/residues.h"

#include "blindproof/base/check.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/field/residue_kernels.h"

namespace blindproof::field {
namespace {

constexpr std::size_t kMaxTerms = 64;

template <class... Sizes>
void check_sizes(std::size_t n, Sizes... sizes) {
  BLINDPROOF_CHECK(((sizes == n) && ...), "residues: sizes differ");
}

FixedFactor factor(const Modulus& q, std::uint64_t c) {
  BLINDPROOF_CHECK(c < q.value(), "residues: the constant is not reduced");
  return q.fixed_factor(c);
}

}  // namespace

const ResidueKernels& residue_kernels() noexcept {
  switch (kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma:
      return kResidueKernelsIfma;
    case base::Simd::kAvx2:
      return kResidueKernelsAvx2;
#endif
    default:
      return kResidueKernelsPortable;
  }
}

void add(const Modulus& q, ConstResidues a, ConstResidues b, Residues out) {
  check_sizes(out.size(), a.size(), b.size());
  residue_kernels().add(q, a.data(), b.data(), out.data(), out.size());
}

void subtract(const Modulus& q, ConstResidues a, ConstResidues b, Residues out) {
  check_sizes(out.size(), a.size(), b.size());
  residue_kernels().subtract(q, a.data(), b.data(), out.data(), out.size());
}

void negate(const Modulus& q, ConstResidues a, Residues out) {
  check_sizes(out.size(), a.size());
  residue_kernels().negate(q, a.data(), out.data(), out.size());
}

void multiply(const Modulus& q, ConstResidues a, ConstResidues b, Residues out) {
  check_sizes(out.size(), a.size(), b.size());
  residue_kernels().multiply(q, a.data(), b.data(), out.data(), out.size());
}

void multiply_add(const Modulus& q, ConstResidues a, ConstResidues b, Residues acc) {
  check_sizes(acc.size(), a.size(), b.size());
  residue_kernels().multiply_add(q, a.data(), b.data(), acc.data(), acc.size());
}

void scale(const Modulus& q, ConstResidues a, std::uint64_t c, Residues out) {
  check_sizes(out.size(), a.size());
  residue_kernels().scale(q, a.data(), factor(q, c), out.data(), out.size());
}

void scale_add(const Modulus& q, ConstResidues a, std::uint64_t c, Residues acc) {
  check_sizes(acc.size(), a.size());
  residue_kernels().scale_add(q, a.data(), factor(q, c), acc.data(), acc.size());
}

void subtract_scale(const Modulus& q, ConstResidues a, ConstResidues b, std::uint64_t c, Residues out) {
  check_sizes(out.size(), a.size(), b.size());
  residue_kernels().subtract_scale(q, a.data(), b.data(), factor(q, c), out.data(), out.size());
}

void reduce_from(const Modulus& to, const Modulus& from, ConstResidues a, Residues out) {
  check_sizes(out.size(), a.size());
  residue_kernels().reduce_from(to, from, a.data(), out.data(), out.size());
}

void from_signed(const Modulus& q, std::span<const std::int64_t> a, Residues out) {
  check_sizes(out.size(), a.size());
  residue_kernels().from_signed(q, a.data(), out.data(), out.size());
}

void tensor(const Modulus& q, ConstResidues a0, ConstResidues a1, ConstResidues b0, ConstResidues b1, Residues c0,
            Residues c1, Residues c2) {
  check_sizes(c0.size(), a0.size(), a1.size(), b0.size(), b1.size(), c1.size(), c2.size());
  const std::uint64_t* const a[] = {a0.data(), a1.data()};
  const std::uint64_t* const b[] = {b0.data(), b1.data()};
  std::uint64_t* const c[] = {c0.data(), c1.data(), c2.data()};
  residue_kernels().tensor(q, a, b, c, c0.size());
}

void inner_products(const Modulus& q, std::span<const std::uint64_t* const> a, std::span<const std::uint64_t* const> b0,
                    std::span<const std::uint64_t* const> b1, Residues out0, Residues out1) {
  check_sizes(a.size(), b0.size(), b1.size());
  check_sizes(out0.size(), out1.size());
  BLINDPROOF_CHECK(a.size() <= kMaxTerms, "inner_products: too many terms");
  residue_kernels().inner_products(q, a.data(), b0.data(), b1.data(), a.size(), out0.data(), out1.data(), out0.size());
}

void permute(std::span<const std::uint32_t> permutation, ConstResidues in, Residues out) {
  check_sizes(out.size(), permutation.size(), in.size());
  residue_kernels().permute(permutation.data(), in.data(), out.data(), out.size());
}

}  // namespace blindproof::field

#include "blindproof/poly/split_eq.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/field/fr_kernels.h"
#include "blindproof/poly/multilinear.h"

namespace blindproof::poly {
namespace {

constexpr std::size_t kPackVariables = 3;
constexpr std::size_t kLowVariables = 7;  // or more: 16 packs pay for the end of a block

}  // namespace

SplitEq::SplitEq(std::span<const Fr> z) {
  for (std::size_t m = 0; m < std::min(z.size(), kPackVariables); ++m) {
    const std::vector<Fr> values = eq_values(z.first(m));
    std::copy(values.begin(), values.end(), short_[m].begin());
  }
  if (z.size() <= kPackVariables) return;
  const std::size_t most = z.size() - 1;  // variables of the first round
  low_variables_ = std::min(most, std::max(kLowVariables, (most + 1) / 2));
  const std::size_t high_variables = most - low_variables_;

  std::size_t packs = 0;
  low_at_.resize(low_variables_ + 1);
  high_at_.resize(high_variables + 1);
  for (std::size_t m = kPackVariables; m <= low_variables_; ++m) {
    low_at_[m] = packs;
    packs += std::size_t{1} << (m - kPackVariables);
  }
  for (std::size_t m = 0; m <= high_variables; ++m) {
    high_at_[m] = packs;
    packs += ((std::size_t{1} << m) + 7) / 8;
  }
  storage_ = FrVector::uninitialized(8 * packs);
  const auto& kernels = field::fr_kernels();
  FrPack* tables = storage_.packs();
  kernels.from_fields(eq_values(z.first(kPackVariables)).data(), 8, tables);
  for (std::size_t m = kPackVariables; m < low_variables_; ++m) {
    poly_kernels().extend_eq(tables + low_at_[m], std::size_t{1} << (m - kPackVariables), z[m],
                             tables + low_at_[m + 1]);
  }
  std::vector<Fr> table = {Fr::one()};
  for (std::size_t m = 0; m <= high_variables; ++m) {
    if (m > 0) append_eq_variable(table, z[low_variables_ + m - 1]);
    kernels.from_fields(table.data(), table.size(), tables + high_at_[m]);
  }
}

EqFactors SplitEq::factors(std::size_t m) const {
  BLINDPROOF_DCHECK(m >= kPackVariables && m < low_variables_ + high_at_.size(), "no tables for this many variables");
  const std::size_t low = std::min(m, low_variables_);
  return {storage_.packs() + low_at_[low], std::size_t{1} << (low - kPackVariables),
          storage_.packs() + high_at_[m - low]};
}

}  // namespace blindproof::poly

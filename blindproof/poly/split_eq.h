// The equality polynomial of every round of a sum-check, as products of short tables.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/poly/kernels.h"

namespace blindproof::poly {

using field::FrVector;

/// For each m < z.size(): eq((z_0 .. z_{m-1}), x) over x in {0,1}^m. The lower variables, seven or half of them,
/// have tables of their own, and so have the upper ones: about 4 * 2^(n/2) elements for all rounds.
/// Ref: Dao and Thaler, ePrint 2024/1210.
class SplitEq {
 public:
  SplitEq() = default;
  explicit SplitEq(std::span<const Fr> z);

  /// Requires: 3 <= m < z.size().
  EqFactors factors(std::size_t m) const;
  /// The values themselves.  Requires: m < 3 and m < z.size().
  std::span<const Fr> values(std::size_t m) const { return {short_[m].data(), std::size_t{1} << m}; }

 private:
  std::array<std::array<Fr, 4>, 3> short_{};
  FrVector storage_;
  std::size_t low_variables_ = 0;
  std::vector<std::size_t> low_at_, high_at_;  // packs of storage_ where the tables begin, by number of variables
};

}  // namespace blindproof::poly

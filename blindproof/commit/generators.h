// Pedersen generators G_0..G_2047 and the blinding generator H, hashed to the curve: nobody knows a relation among them.
//
//   commit(v; s) = sum_i v_i G_i + s H
// Perfectly hiding for uniform s; binding under the discrete-logarithm assumption in BN254's G1.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "blindproof/commit/layout.h"
#include "blindproof/curve/fixed_base.h"
#include "blindproof/curve/g1.h"
#include "blindproof/curve/small_commit.h"

namespace blindproof::commit {

using curve::G1;
using curve::G1Affine;

inline constexpr std::size_t kGenerators = std::size_t{1} << kMaxColumnBits;
/// Widest message that goes through precomputed tables.
inline constexpr std::size_t kNarrowSlots = 4;

class Generators {
 public:
  /// The ones that every proof uses, derived once per process from the label "blindproof v1 generators".
  static const Generators& standard();

  /// Any points. Used with known logarithms by tests of zero knowledge only.
  explicit Generators(std::vector<G1Affine> g, const G1Affine& h);

  std::span<const G1Affine> g() const { return g_; }
  const G1Affine& h() const { return h_; }

  /// Requires: values.size() <= kNarrowSlots.  Timing: variable.  Cost: some microseconds.
  G1 commit_narrow(std::span<const Fr> values, const Fr& blind) const;
  /// Requires: values.size() <= kGenerators.
  G1 commit(std::span<const Fr> values, const Fr& blind) const;
  /// blind * H.
  G1 blinding(const Fr& blind) const;
  /// Multiples of every generator, built at the first use (some 20 ms, 16 MB): pays from about a hundred rows on.
  const curve::SmallScalarTable& multiples() const;

 private:
  struct Lazy;
  std::vector<G1Affine> g_;
  G1Affine h_;
  std::vector<curve::FixedBaseTable> narrow_;  // G_0..G_3, H
  std::shared_ptr<Lazy> lazy_;
};

}  // namespace blindproof::commit

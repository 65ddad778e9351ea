// What hides a model in its answers: an encryption of zero, S times another, and noise in unused slots, added to every output.
//   (u p_0 + t f_0 + Z h,  u p_1 + t f_1,  0)  +  (0,  u' p_0 + t f'_0,  u' p_1 + t f'_1)
// The second part only where there is a third component. Specification: docs/spec/hybrid.md, "Re-randomisation and flood".
//
// Coefficients are kept as the proof commits to them: small integers, f_0 and h in limbs of 16 bits, each less 2^15:
//   f_0 = sum_k 2^(16k) (limb_k + 2^15) - 2^(F-1),   h = sum_k 2^(16k) (limb_k + 2^15)
#pragma once

#include "blindproof/fhe/frbgv/scheme.h"

namespace blindproof::fhe::frbgv {

inline constexpr std::size_t kLimbBits = 16;
inline constexpr std::size_t kMaxFloodLimbs = 15;

struct RerandomizerShape {
  std::size_t outputs = 0;
  std::size_t components = 2;   // of an output: 2 or 3
  std::size_t flood_limbs = 1;  // F / 16, at most kMaxFloodLimbs
  std::size_t hiding_limbs = 1; // bits of t / 16, rounded up

  std::size_t mask_columns() const noexcept { return components - 1; }          // u; u'
  std::size_t error_columns() const noexcept { return 2 * components - 3; }     // f_1; f'_0, f'_1
  std::size_t limb_columns() const noexcept { return flood_limbs + hiding_limbs; }
};

/// Axes of each tensor: [outputs, columns, N]. Secret, wiped when it goes.
struct Rerandomizer {
  RerandomizerShape shape;
  std::size_t degree = 0;
  rlwe::SecretVector<std::int8_t> masks, errors;
  rlwe::SecretVector<std::int16_t> limbs;
};

/// u uniform ternary, f_0 uniform in [-2^(F-1), 2^(F-1)), other errors as fresh ones, h uniform modulo t.   Timing: constant.
/// Requires: t below 2^(16 hiding_limbs).
Rerandomizer draw_rerandomizer(const Ring& ring, std::uint64_t t, const RerandomizerShape& shape, crypto::Csprng& random);

/// Z: values of the polynomial whose slots are 0 where there are records and 1 elsewhere.   Requires: records <= N.
FrVector vanishing_values(const Ring& ring, const SlotEncoder& encoder, std::size_t records);

/// Adds output `index`'s part to an output of the shape's number of components.   Timing: constant.
void add_rerandomizer(const Ring& ring, const PublicKey& key, std::uint64_t t, const FrVector& vanishing, const Rerandomizer& rerandomizer,
                      std::size_t index, Ciphertext& output);

}  // namespace blindproof::fhe::frbgv

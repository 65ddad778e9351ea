// Errors wide enough to hide others: in decryptions that are shown, and in ciphertexts that leave.
//
// A flood is a sum of independent integers that are uniform in [-2^(bits-1), 2^(bits-1)). One term hides an error e up to the
// statistical distance |e| / 2^bits, once. Eight terms or more hide many errors as well as a Gaussian of the same deviation
// does: from 6 bits on, the squared Hellinger distance of the sum from the sum plus e is at most 1.006 e^2 / (8 deviation^2).
// Spec: docs/spec/fhe.md, "Flooding", with the arguments.
#pragma once

#include <string_view>

#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::rlwe {

inline constexpr int kMaxFloodBits = 960;
/// Of a sum that serves as a Gaussian.
inline constexpr int kMinBellTerms = 8;

struct Flood {
  int bits = 1;
  int terms = 1;

  double deviation() const noexcept;
};

/// One term, of the least length that hides each error up to `bound` from every other one up to statistical distance
/// 2^-hiding_bits.
/// Errors: kInvalidArgument unless hiding_bits is positive, for a bound that isn't finite, or a flood longer than
/// kMaxFloodBits.
base::Result<Flood> uniform_flood(std::string_view operation, double bound, int hiding_bits);

/// Eight terms or more, with at least this deviation and at most 7% more (where it is above 4).   Errors: as of uniform_flood.
base::Result<Flood> bell_flood(std::string_view operation, double deviation);

/// A polynomial of such coefficients times `multiplier`, secret.
/// Timing: depends on the sizes alone.   Requires: 1 to kMaxFloodBits bits, 1 to 32 terms.
NttPoly sample_flood_poly(const RingPtr& ring, const Basis& basis, const Flood& flood, std::uint64_t multiplier,
                          crypto::Csprng& random);

/// encrypt_zero with a flood in the first part.
Parts encrypt_flooded_zero(const PublicKey& key, const Basis& basis, const Flood& flood, std::uint64_t error_multiplier,
                           crypto::Csprng& random);

}  // namespace blindproof::fhe::rlwe

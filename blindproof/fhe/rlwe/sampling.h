// What secret keys, errors and the uniform halves of keys and ciphertexts are drawn from.
//
// sample_uniform also expands public seeds: keys and ciphertexts travel as 32 bytes. What it makes of a stream is part
// of their format and is fixed here, byte by byte; crypto/random.h fixes the stream of a seed.
#pragma once

#include <cstdint>
#include <span>

#include "blindproof/crypto/random.h"

namespace blindproof::fhe::rlwe {

/// Of sample_error. Deviation 3.24, not below the 3.19 that security.h assumes.
inline constexpr double kErrorVariance = 10.5;
inline constexpr int kErrorBound = 21;

/// Uniform in {-1, 0, 1}.
///   A byte below 243 = 3^5 is five trits; greater ones are thrown away. For each run of up to 2560 coefficients, the
///   run's m = ceil(size / 5) bytes give coefficient j*m + i as the j-th lowest trit of byte i, minus 1.
/// Timing: depends on the size and on how many bytes were thrown away, and where. Bytes of the stream are independent,
/// and
///   one that is kept is uniform below 243 whatever became of the others: that tells nothing about the result.
void sample_ternary(crypto::Csprng& random, std::span<std::int8_t> out) noexcept;

/// One run of sample_ternary from its m bytes, which are overwritten.
/// Requires: bytes.size() * 5 >= out.size(), and every byte is below 243.
/// Timing: constant: depends on the sizes alone.
void split_trits(std::span<std::uint8_t> bytes, std::span<std::int8_t> out) noexcept;

/// Centred binomial: the sum of 21 coins less that of 21 others, in [-kErrorBound, kErrorBound]. Computed as the number
/// of ones among 42 bits, minus 21, which is the same distribution.
///   Each run of 256 coefficients, also the last, short one, takes 21 * 64 bytes. The coefficient 64*g + i (g < 4, i <
///   64) has the bits of bytes 64*(5g + k) + i, k < 5, and bits 2g and 2g+1 of byte 64*20 + i.
/// Timing: constant: depends on the size alone.
void sample_error(crypto::Csprng& random, std::span<std::int8_t> out) noexcept;

/// Uniform in [0, q), q = modulus. Drawn one after the other, so cutting `out` in pieces changes nothing.
///   Seven bytes of the stream are an integer x, little-endian. If (x*q mod 2^56) < (2^56 mod q) they are thrown away
///   and seven more drawn (one time in 64 or less); else the value is floor(x*q / 2^56).
/// Requires: 0 < q < 2^50.
/// Timing: as of sample_ternary: tells which draws were thrown away, but nothing about the values.
/// Ref: Lemire, "Fast Random Integer Generation in an Interval", arXiv:1805.10941.
void sample_uniform(crypto::Csprng& random, std::uint64_t modulus, std::span<std::uint64_t> out) noexcept;

}  // namespace blindproof::fhe::rlwe

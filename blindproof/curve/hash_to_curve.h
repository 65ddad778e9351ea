// Points that nobody knows a relation among: hashed to the curve by try-and-increment.
//
// Candidate `counter` of point `index` comes from SHAKE256("blindproof hash to curve v1", label, index, counter)
// (lengths and numbers as 64-bit little-endian): 64 bytes are reduced mod q to x, the low bit of one more byte is the
// parity of y. The first candidate whose x^3 + 3 is a square is the point. The cofactor is 1, so that nothing is left
// to clear.
// Timing: variable; labels are public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "blindproof/curve/g1.h"

namespace blindproof::curve {

G1Affine hash_to_curve(std::string_view label, std::uint64_t index);

/// hash_to_curve(label, i) for i < count, on all threads.
std::vector<G1Affine> derive_generators(std::string_view label, std::size_t count);

}  // namespace blindproof::curve

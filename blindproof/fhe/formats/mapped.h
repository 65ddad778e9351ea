// Polynomials as words of 8 bytes at multiples of 64, used from a mapped file without being copied.
#pragma once

#include "blindproof/base/bytes.h"
#include "blindproof/base/file.h"
#include "blindproof/fhe/rlwe/poly.h"

namespace blindproof::fhe::formats {

inline constexpr std::size_t kMappedAlignment = 64;

/// The next multiple of kMappedAlignment.
std::size_t mapped_position(std::size_t position) noexcept;
std::size_t mapped_bytes(const rlwe::Ring& ring, const rlwe::Basis& basis) noexcept;
/// All limbs, as they stand in a file.
base::ByteSpan mapped_words(const rlwe::NttPoly& poly) noexcept;

/// The polynomial at `offset`, a part of the mapped memory.   Requires: it lies within, at a multiple of kMappedAlignment.
rlwe::NttPoly mapped_poly(const base::MappedFile& memory, std::size_t offset, const rlwe::RingPtr& ring, const rlwe::Basis& basis);

/// A copy in memory in place of a file.
base::MappedFile mapped_copy(base::ByteSpan bytes);

}  // namespace blindproof::fhe::formats

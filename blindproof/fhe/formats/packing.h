// Polynomials as bit strings: each residue in as many bits as its modulus needs.
#pragma once

#include "blindproof/base/bytes.h"
#include "blindproof/fhe/rlwe/poly.h"

namespace blindproof::fhe::formats {

std::size_t packed_bytes(const rlwe::Ring& ring, const rlwe::Basis& basis) noexcept;

void write_packed(base::ByteWriter& writer, const rlwe::NttPoly& poly);
/// Errors: kMalformed for a residue that isn't reduced, or too few bytes; nothing is allocated before that is known.
base::Result<rlwe::NttPoly> read_packed(base::ByteReader& reader, const rlwe::RingPtr& ring, const rlwe::Basis& basis,
                                        std::string_view place);

/// Whether every residue is below its modulus.
bool is_reduced(const rlwe::NttPoly& poly) noexcept;

}  // namespace blindproof::fhe::formats

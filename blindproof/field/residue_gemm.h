// A matrix times vectors of residues: many linear combinations of the same long vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "blindproof/field/modulus.h"

namespace blindproof::field {

/// out[r][j] = sum_c matrix[r * in.size() + c] * in[c][j] modulo q, for j below n.
/// Domain:   all in [0, q).
/// Requires: matrix.size() == in.size() * out.size(), each vector has n entries, none of `out` overlaps one of `in`.
/// Cost:     one thread; the vectors are read once, and a block of them at a time is copied to where it stays in the cache.
/// The same bits on every kernel set.
void multiply_matrix(const Modulus& q, std::span<const std::uint64_t> matrix, std::span<const std::uint64_t* const> in,
                     std::span<std::uint64_t* const> out, std::size_t n);

}  // namespace blindproof::field

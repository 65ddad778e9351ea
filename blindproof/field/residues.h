// Vectors of residues modulo one run-time prime: the inner loops of all lattice schemes.
//
// Every function runs on one thread and gives fully reduced results, the same bits on every kernel set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "blindproof/field/modulus.h"

namespace blindproof::field {

using Residues = std::span<std::uint64_t>;  // each in [0, q); memory aligned to 64 bytes is fastest, but not required
using ConstResidues = std::span<const std::uint64_t>;

// An output may be one of the inputs in all of these, but may not overlap one otherwise. Sizes agree.
// Timing: constant in the values.

void add(const Modulus& q, ConstResidues a, ConstResidues b, Residues out);
void subtract(const Modulus& q, ConstResidues a, ConstResidues b, Residues out);
void negate(const Modulus& q, ConstResidues a, Residues out);
void multiply(const Modulus& q, ConstResidues a, ConstResidues b, Residues out);
/// acc += a * b.
void multiply_add(const Modulus& q, ConstResidues a, ConstResidues b, Residues acc);
/// out = c * a.   Requires: c in [0, q), here and below.
void scale(const Modulus& q, ConstResidues a, std::uint64_t c, Residues out);
/// acc += c * a.
void scale_add(const Modulus& q, ConstResidues a, std::uint64_t c, Residues acc);
/// out = c * (a - b): the end of a division by a modulus.
void subtract_scale(const Modulus& q, ConstResidues a, ConstResidues b, std::uint64_t c, Residues out);
/// The residue modulo `to` of the representative in (-q/2, q/2) of a modulo q = `from`.
void reduce_from(const Modulus& to, const Modulus& from, ConstResidues a, Residues out);
/// Requires: |a| < 2^62.
void from_signed(const Modulus& q, std::span<const std::int64_t> a, Residues out);
/// (c0, c1, c2) = (a0 b0, a0 b1 + a1 b0, a1 b1): the product of two ciphertexts.
void tensor(const Modulus& q, ConstResidues a0, ConstResidues a1, ConstResidues b0, ConstResidues b1, Residues c0,
            Residues c1, Residues c2);

/// out_k[j] = sum_i a[i][j] * b_k[i][j] for k = 0, 1: the inner product of key switching, without reductions in
/// between. Requires: at most 64 terms, out0.size() entries in each.
void inner_products(const Modulus& q, std::span<const std::uint64_t* const> a, std::span<const std::uint64_t* const> b0,
                    std::span<const std::uint64_t* const> b1, Residues out0, Residues out1);

/// out[i] = in[permutation[i]]. Fastest where whole aligned blocks of 64 go to such blocks.
/// Requires: in and out don't overlap, permutation[i] < in.size().
void permute(std::span<const std::uint32_t> permutation, ConstResidues in, Residues out);

}  // namespace blindproof::field

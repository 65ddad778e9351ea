// Hyrax commitments of integer tensors: one Pedersen commitment per row of the tensor's layout.
// Ref: Wahby, Tzialla, shelat, Thaler, Walfish: Doubly-efficient zkSNARKs without trusted setup, ePrint 2017/1132.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "blindproof/base/int128.h"
#include "blindproof/commit/blinding.h"
#include "blindproof/commit/generators.h"
#include "blindproof/commit/layout.h"

namespace blindproof::commit {

using base::Int128;

/// Used cells in logical order, read in place.
using IntegerSpan = std::variant<std::span<const std::int8_t>, std::span<const std::int16_t>, std::span<const std::int32_t>,
                                 std::span<const std::int64_t>, std::span<const Int128>>;

std::size_t size(const IntegerSpan& values);
Int128 at(const IntegerSpan& values, std::size_t index);
/// The bytes of cells [begin, begin+count), as they lie in memory.
base::ByteSpan bytes(const IntegerSpan& values, std::size_t begin, std::size_t count);
Fr to_field(const IntegerSpan& values, std::size_t index);
/// A table of 2^layout.bits() elements, zero in padding cells.  Requires: layout.bits() <= 32.
FrVector padded_table(const TensorLayout& layout, const IntegerSpan& values);
/// f(z) of the tensor's polynomial, from its used cells.  Cost: one pass.
Fr evaluate(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> z);

/// Row commitments, with one given blind per row.  Requires: blinds.size() == layout.rows().
std::vector<G1Affine> commit_rows(const Generators& generators, const TensorLayout& layout, const IntegerSpan& values,
                                  std::span<const Fr> blinds);

/// What a verifier knows of a committed tensor.
struct TensorCommitment {
  TensorLayout layout;
  std::vector<G1Affine> rows;
};

/// What its owner knows besides.
struct TensorSecret {
  IntegerSpan values;
  std::vector<Fr> blinds;  // by row
};

/// sum of rows of one class, weighted: u[k] for the class's used cells k in row order.
/// Requires: row_weights.size() == layout.rows() (weights of rows outside the class are ignored).
std::vector<Fr> combine_class(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> row_weights,
                              bool partial);

}  // namespace blindproof::commit

// Look-ups by logarithmic derivatives (Haboeck, ePrint 2022/1530) with GKR for fractional sums (Papini-Haboeck, ePrint
// 2023/1284):
//   sum over look-ups of 1/(alpha - t)  =  sum over tables of m_i/(alpha - t_i),     t = id + beta c_0 + beta^2 c_1 + ...
// as fractions of X = alpha, for random beta. All columns and all multiplicities m are committed before beta and alpha.
//
// Leaves of the trees, in aligned segments: look-ups 1/(alpha - t) on used cells, tables -m_i/(alpha - t_i), everything else the
// public fraction 0/1. The sum of all fractions must be 0. Soundness error: about (number of leaves)*(number of look-ups)/r;
// denominators that vanish need alpha to hit a committed tuple, which has the same probability.
#pragma once

#include <functional>
#include <string_view>

#include "blindproof/proof/lookup/table.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::lookup {

using commit::IntegerSpan;
using commit::TensorLayout;
using zk::Context;
using zk::Point;
using zk::Scalar;

/// The used cells of a tensor (or of several tensors of one layout, for tuples), each looked up in one table.
struct Lookup {
  std::size_t table;                 // index into the tables
  TensorLayout layout;
  std::vector<IntegerSpan> columns;  // prover: values in logical order, one span per column of the table
};

/// Returns column claims: the values at z of the look-up's columns, as committed scalars that the caller ties to what it
/// committed. Called once for each part of a look-up: parts of large ones have different points.
using ColumnClaims = std::function<std::vector<Scalar>(std::size_t lookup, const Point& z)>;

/// Trees have at most 2^kMaxTreeBits leaves; more leaves make more trees.
inline constexpr unsigned kMaxTreeBits = 20;

/// Commits multiplicities, draws beta and alpha, proves the trees and queues the openings of multiplicities.
/// Caller must: have committed every column before.
void prove_lookups(Context& context, std::string_view label, std::span<const Table> tables,
                   std::span<const Lookup> lookups, const ColumnClaims& claims, unsigned max_tree_bits = kMaxTreeBits);

}  // namespace blindproof::proof::lookup

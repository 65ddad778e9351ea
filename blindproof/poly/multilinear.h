// Multilinear polynomials by their values on {0,1}^n, and the equality polynomial.
//
// Index bit j of a table is variable j; a point is listed variable 0 first. Sum-checks bind the TOP variable first
// (its two halves of a table are contiguous, so vector lanes stay aligned): round i binds variable n-1-i.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/field/fr_vector.h"

namespace blindproof::poly {

using field::Fr;
using field::FrVector;

/// All eq(z, x) for x in {0,1}^n.  eq(z,x) = prod_j (z_j x_j + (1-z_j)(1-x_j)).
FrVector eq_table(std::span<const Fr> z);
/// The same for short points (n up to about 12), as plain elements.
std::vector<Fr> eq_values(std::span<const Fr> z);
/// From the values of eq(z, .) to those of eq((z, variable), .): the new variable becomes the top index bit.
void append_eq_variable(std::vector<Fr>& table, const Fr& variable);
/// eq(z, x) for any two points of equal length.
Fr eq_at(std::span<const Fr> z, std::span<const Fr> x);
/// sum_{i < used} eq(z,i) eq(x,i) in O(n): the equality polynomial cut at the used length.  Requires: used <= 2^n.
Fr cut_eq_at(std::span<const Fr> z, std::size_t used, std::span<const Fr> x);
/// sum_{i < used} eq(z,i) in O(n).
Fr cut_sum_at(std::span<const Fr> z, std::size_t used);
/// f(z) by its table.  Requires: f.size() == 2^z.size().
Fr evaluate(const FrVector& f, std::span<const Fr> z);
/// The first `used` values of f(z) with f given on a prefix; the rest is zero.
Fr evaluate(std::span<const Fr> values, std::span<const Fr> z);

}  // namespace blindproof::poly

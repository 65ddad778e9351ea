// Poseidon over Fr, with the parameters that circomlib fixed: what circuits hash with.
//
//   state of t = n + 1 elements (0, x_1, .., x_n); 8 full rounds and, between the fourth and the fifth, partial ones,
//   in which only the first element is raised to the fifth power; the hash is the state's first element.
// The round constants and the matrix come from the Grain LFSR of the paper (eprint 2019/458, appendices E and F) when a
// width is first used, which takes up to 20 ms.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "blindproof/field/prime_field.h"

namespace blindproof::commit {

using field::Fr;

inline constexpr std::size_t kPoseidonMaxInputs = 16;

/// The hash of a fixed number of elements; other numbers of elements are other functions.
/// Requires: 1 to 16 inputs.   Timing: constant in their values.   Cost: (n + 1)^2 * (64 to 78) products.
Fr poseidon(std::span<const Fr> inputs);

/// Of the hash of width - 1 elements: what circuits spell out.
struct PoseidonParameters {
  std::size_t rounds = 0;           // the first and last four are full
  std::vector<Fr> round_constants;  // [round][width]
  std::vector<Fr> matrix;           // [width][width]: new state i = sum_j matrix[i][j] * old state j
};
/// Requires: 2 <= width <= 17.
const PoseidonParameters& poseidon_parameters(std::size_t width);
inline constexpr std::size_t kPoseidonFullRounds = 8;

/// The hash of a list, which binds its length and its purpose (docs/spec/chain.md):
///   h = domain * 2^64 + n;  for each 15 elements, the last filled with zeros:  h = poseidon(h, them)
/// Requires: a domain of 16 ASCII characters, at least one element.
Fr hash_list(std::string_view domain, std::span<const Fr> list);

}  // namespace blindproof::commit

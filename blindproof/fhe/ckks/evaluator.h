// Arithmetic on CKKS ciphertexts.
//
// Every function checks that its arguments fit together and says in words what doesn't: kMismatch for other contexts,
// levels or scales, kInvalidArgument where no level is left or a key is missing.
//
// Results carry a prediction of their error. Sums of errors are bounded by the triangle inequality, since nobody knows
// whether the summands are independent (errors of different slots of one ciphertext are: sum_slots() adds variances); slotwise
// products by |m_1| e_2 + |m_2| e_1 + e_1 e_2.
#pragma once

#include <span>
#include <vector>

#include "blindproof/fhe/ckks/ciphertext.h"

namespace blindproof::fhe::ckks {

using Outcome = base::Result<Ciphertext>;

// Requires one level and one scale: lower_to() brings the higher one down.
Outcome add(const Ciphertext& a, const Ciphertext& b);
Outcome subtract(const Ciphertext& a, const Ciphertext& b);
Outcome add(const Ciphertext& a, const Plaintext& b);
Outcome subtract(const Ciphertext& a, const Plaintext& b);
Ciphertext negate(const Ciphertext& a);

/// Degree 2 and scale a.scale() * b.scale(), as yet neither relinearised nor rescaled. Sums of such products may be
/// relinearised once.   Requires: one level, degree 1.
Outcome multiply(const Ciphertext& a, const Ciphertext& b);
Outcome square(const Ciphertext& a);
/// Scale a.scale() * b.scale().
Outcome multiply(const Ciphertext& a, const Plaintext& b);
/// A real constant, encoded at the level's scale.
Outcome multiply(const Ciphertext& a, double constant);
/// Exactly, at the same scale.
Outcome multiply_integer(const Ciphertext& a, std::int64_t integer);

Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key);
/// One level down, scale divided by the modulus that goes.
Outcome rescale(const Ciphertext& a);
/// Both, in one pass.
Outcome relinearize_and_rescale(const Ciphertext& a, const rlwe::KeySwitchKey& key);
/// Product, relinearised and rescaled: from the scale of a level to that of the next.
Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key);

/// sum_i a_i b_i, relinearised and rescaled once.
/// Errors: also kInvalidArgument for no pairs, or lists of different lengths.   Requires: one level and one scale in each list.
Outcome inner_product(std::span<const Ciphertext> a, std::span<const Ciphertext> b, const rlwe::KeySwitchKey& key);
/// Scale a_0.scale() * b_0.scale().
Outcome inner_product(std::span<const Ciphertext> a, std::span<const Plaintext> b);

/// The same ciphertext, with what the program knows of its slots: none is larger than `magnitude`. Sums and products of bounds
/// are seldom reached, and predicted errors of products grow with them.   Requires: it holds, whatever is encrypted.
Ciphertext bounded(const Ciphertext& a, double magnitude);

/// The same message at a lower level and that level's scale. Costs nothing if a has the level's scale and `level` is its
/// own; otherwise one multiplication by a constant, and one rescale.
/// Requires: a's scale is its level's.
Outcome lower_to(const Ciphertext& a, int level);

/// Slot i becomes what slot i + steps was.
Outcome rotate(const Ciphertext& a, std::int64_t steps, const rlwe::GaloisKeys& keys);
Outcome conjugate(const Ciphertext& a, const rlwe::GaloisKeys& keys);
/// All rotations of one ciphertext, at the price of one decomposition.
base::Result<std::vector<Ciphertext>> rotate_hoisted(const Ciphertext& a, std::span<const std::int64_t> steps,
                                                     const rlwe::GaloisKeys& keys);
/// Slot i becomes the sum of the slots i, i+stride, .., i+(count-1) stride.   Requires: count is a power of two, keys for stride times all
/// powers below.
Outcome sum_slots(const Ciphertext& a, std::size_t count, const rlwe::GaloisKeys& keys, std::size_t stride = 1);

}  // namespace blindproof::fhe::ckks

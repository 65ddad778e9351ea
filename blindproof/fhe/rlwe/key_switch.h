// Key switching: from a product with one secret to a product with another, by digits and special moduli.
//
//   1. decompose   c (l limbs) to digits d_j = [c]_{Q_j}, each raised to all moduli of {l, with P}: |d_j| <= Q_j/2
//   2. accumulate  (u_0, u_1) = sum_j d_j (b_j, a_j)  modulo Q_l P;  u_0 + u_1 s = P c s' + small
//   3. divide      by P, rounding
// Steps 1 and 3 cost the transforms. Rotations of one ciphertext share step 1 (hoisting); sums of products of rotated
// ciphertexts with plaintexts share step 3 (double hoisting: the sum is taken before the division).
//
// Ref: Halevi-Shoup, ePrint 2018/244 (hoisting); Bossuat-Mouchet-Troncoso-Pastoriza-Hubaux, ePrint 2020/1203 (double hoisting).
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "blindproof/fhe/rlwe/keys.h"

namespace blindproof::fhe::rlwe {

/// The digits of a polynomial, over {q_limbs, with P}.
struct Decomposition {
  std::size_t q_limbs = 0;
  std::vector<NttPoly> digits;
};

/// c_0 + c_1 s.
struct Pair {
  NttPoly c0, c1;
};

Decomposition decompose(const NttPoly& c);

/// Step 2 for limb i of {q_limbs, with P}.   Requires: key.q_limbs() >= digits.q_limbs, of one ring.
void accumulate_limb(const Decomposition& digits, const KeySwitchKey& key, std::size_t i, std::span<std::uint64_t> c0,
                     std::span<std::uint64_t> c1);
/// Steps 1 and 2, without keeping the digits.
Pair accumulate(const NttPoly& c, const KeySwitchKey& key);
/// The same on one limb after the other, while it is in the cache: limb i of both sums goes to `sink`, which may overwrite it. Called on several threads.
using PairSink = std::function<void(std::size_t i, std::span<std::uint64_t> c0, std::span<std::uint64_t> c1)>;
void accumulate_each(const NttPoly& c, const KeySwitchKey& key, const PairSink& sink);

/// All three steps.
Pair key_switch(const NttPoly& c, const KeySwitchKey& key);

/// Steps 2 and 3 on one limb after the other, so that sums are never stored: quotients by P, or more, go to `finish`.
void switch_each(const Decomposition& digits, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish);
/// All three steps.
void switch_each(const NttPoly& c, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish);

/// P a over {a's limbs, with P}, added to acc: what lets a polynomial join a sum that P will divide.
void add_lifted(NttPoly& acc, const NttPoly& a);

}  // namespace blindproof::fhe::rlwe

// Matrices that are encrypted themselves, times encrypted vectors of slots: rlwe/linear_transform.h with ciphertexts for diagonals.
//
//   M x = sum_g rotate(sum_b rotate(diagonal_{g + b}, -g) * rotate(x, b), g)
// The decomposition of x serves all baby steps. Products with the diagonals of one giant step are added up as ciphertexts of degree 2, which
// are relinearised once, without a division: their second half joins the digits of the giant step's rotation, their first the sum over Q and P.
#pragma once

#include <map>
#include <vector>

#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::rlwe {

class EncryptedMatrix {
 public:
  /// Requires: baby_steps > 0.
  explicit EncryptedMatrix(std::size_t baby_steps);

  std::size_t giant_of(std::size_t diagonal) const noexcept { return diagonal - diagonal % baby_steps_; }
  std::size_t giant_steps() const noexcept { return giants_.size(); }
  /// An encryption of the diagonal rotated by giant_of() to the right.   Requires: degree 1, one basis over Q for all.
  void insert(std::size_t diagonal, Parts ciphertext);

  /// P times M x, over Q and P. Divisions preserve the phase modulo t.   Requires: diagonals, over a's basis.
  /// Errors: kInvalidArgument for missing keys, or a ciphertext that isn't of degree 1; kMismatch for keys of another ring.
  base::Result<Parts> apply(const Parts& a, const KeySwitchKey& relinearization, const GaloisKeys& keys, std::uint64_t t) const;

 private:
  std::size_t baby_steps_;
  std::map<std::size_t, std::map<std::size_t, Parts>> giants_;  // by giant step, then baby step
};

}  // namespace blindproof::fhe::rlwe

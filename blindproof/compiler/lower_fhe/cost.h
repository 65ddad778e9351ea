// What homomorphic programs cost, before anything is encrypted: time, and the largest data in memory.
//
// A model of one core: transforms, products and conversions of residues are counted for each operation and weighed as measured (on an AVX-512 IFMA
// machine: bench/results). It is what the compiler chooses by, so it doesn't depend on the machine; estimates for users are calibrated (engine/fhe_plan.h).
#pragma once

#include <cstddef>

#include "blindproof/fheml/program.h"

namespace blindproof::compiler {

/// Diagonals of a matrix between two layouts, and rotations.
struct MatrixCounts {
  std::size_t diagonals = 0, baby_steps = 0, giant_steps = 0, folds = 0;  // steps by 0 aren't counted
};
MatrixCounts counts_of(const fheml::SparseMatrix& matrix, const fheml::Layout& in, const fheml::Layout& out, std::size_t slots);

/// Seconds on one core.
class CostModel {
 public:
  /// Requires: parameters with all choices made (special_limbs > 0).
  explicit CostModel(const fhe::ckks::Parameters& parameters);

  double rotation(int level) const { return decompose(level) + hoisted_rotation(level); }
  double hoisted_rotation(int level) const { return key_switch(level) + 2 * divide(level); }
  double product(int level) const;  // with relinearisation and rescale
  /// Of one key, as it is stored.
  double key_words(int level) const { return size_ * digits(level) * (q_limbs(level) + special_); }
  double matrix(int level, const MatrixCounts& counts) const;
  double polynomial(int level, const fhe::ckks::Polynomial& polynomial) const;
  /// Of a program for one sample at a time.
  double program(const fheml::Program& program) const;

 private:
  double q_limbs(int level) const { return limbs_per_level_ * (level + 1); }
  double digits(int level) const;
  double decompose(int level) const;   // into digits, over all moduli
  double key_switch(int level) const;  // digits times a key, and the permutation
  double divide(int level) const;      // one polynomial, by the special moduli
  double rescale(int level) const;     // a ciphertext

  double size_, log_degree_, limbs_per_level_, special_, per_digit_;
};

}  // namespace blindproof::compiler

// How errors pass through the matrices of a program for one sample at a time, counted by elements rather than by slots.
//
// Of a value with period P, `noise` is what ckks::Prediction says; `joint` is that of sums whose weights lie within one window of slots [k P, (k+1) P):
// in other windows the same elements err alike or not, and a sum that reads two windows counts them as if alike.
#pragma once

#include <cstddef>

#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fheml/affine.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

/// An upper bound of the largest factor by which the matrix lengthens a vector; wrong with probability below 2^-40 over the vectors that it is tried on.
///
/// Ref: Halko-Martinsson-Tropp, SIAM Review 53 (2011), Lemma 4.1, applied to (M M^T)^6 M.
double spectral_bound(const SparseMatrix& matrix);

/// What a matrix between two layouts does to errors.
class Influence {
 public:
  /// `independent`: all slots of `in` err independently, as in fresh encryptions.   Requires: SlotMatrix::fits().
  Influence(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots, bool independent);

  /// Of the product, whose operand is at `level` and its scale, as LinearTransform and the fold after it compute it.
  fhe::ckks::Prediction apply(const fhe::ckks::Context& context, int level, const fhe::ckks::Prediction& in) const;

  /// The same where the diagonals are encrypted under the public key (rlwe/encrypted_matrix.h).
  fhe::ckks::Prediction apply_encrypted(const fhe::ckks::Context& context, int level, const fhe::ckks::Prediction& in) const;

  /// Of norms of the matrix, as far as predictions need them.
  struct Bounds {
    double row1 = 0, row2 = 0;       // of rows; the latter as errors of several windows add up
    double matrix = 0;               // likewise
    double own_row2 = 0, own_matrix = 0;  // for errors that baby steps add

    friend bool operator==(const Bounds&, const Bounds&) = default;
  };
  const Bounds& bounds() const noexcept { return bounds_; }
  /// Of a matrix of which no more is known: these bounds, the numbers of its diagonals and giant steps, the number of slots that the fold adds up.
  Influence(const Bounds& bounds, std::size_t diagonals, std::size_t giant_steps, std::size_t fold);

 private:
  fhe::ckks::Prediction apply(const fhe::ckks::Context& context, int level, const fhe::ckks::Prediction& in, double diagonal_noise,
                              double switches_per_giant_step) const;

  Bounds bounds_;
  double diagonals_ = 0, giant_steps_ = 0, fold_ = 1;
};

/// Of the output before its flood, without running anything. Products and matrices as an Executor predicts them; polynomials by their steepest slope, and
/// some allowance for what they add.   Requires: a program for one sample at a time, of the context's parameters.
fhe::ckks::Prediction predict_output(const Program& program, const fhe::ckks::Context& context);

/// Of a ciphertext of the client's. Those with a seed were encrypted under the secret key, with less noise.
fhe::ckks::Prediction predict_input(const fhe::ckks::Context& context, double magnitude, bool all_seeded);

}  // namespace blindproof::fheml

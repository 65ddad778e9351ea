// Runs exact programs on ciphertexts of BFV or BGV, and predicts their errors before there are any.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fheml/exact_scheme.h"

namespace blindproof::fheml {

/// How a matrix acts, without its numbers: all that a prediction depends on, so that it says nothing of the weights.
struct MatrixSkeleton {
  ValueId value = 0;
  // Of a program for one sample at a time.
  std::size_t diagonals = 0, giant_steps = 0;
  std::size_t period = 0;  // of the diagonals
  std::vector<std::int64_t> folds = {};
  // Of one for batches, or on coefficients, where the weights do matter, but for their size alone.
  int growth_bits = 0;      // a row's sum of |entries| is at most 2^growth_bits; coefficients: the root of the sum of all entries' squares
  bool empty_rows = false;  // of the step's matrices together; said of the first
};
/// By step; empty for products.
std::vector<std::vector<MatrixSkeleton>> skeletons_of(const ExactProgram& program);
/// By how much a matrix raises errors in a program for batches or on coefficients.
double growth_bound(const MatrixSkeleton& skeleton, std::uint64_t t);

/// Of the output under one of the plaintext primes. Whatever the weights, the schemes predict no larger errors than this.
/// Errors: kLimit where a result on the way might not decrypt.
template <class Scheme>
base::Result<typename Scheme::Prediction> predict(const ExactProgram& program, const std::vector<std::vector<MatrixSkeleton>>& skeletons,
                                                  const typename Scheme::Context& context);

/// A program with its matrices encoded, to be run as often as wanted.
template <class Scheme>
class ExactExecutor {
 public:
  using Ciphertext = typename Scheme::Ciphertext;
  using ContextPtr = typename Scheme::ContextPtr;

  /// Requires: a context for each of the program's primes, of its parameters; for BFV over one ring (Scheme::contexts).
  /// Errors: kMismatch for a program for batches; those of predict().
  static base::Result<ExactExecutor> create(ExactProgram program, std::vector<ContextPtr> contexts, const base::Progress& progress = {});

  const ExactProgram& program() const noexcept { return program_; }
  const std::vector<ContextPtr>& contexts() const noexcept { return contexts_; }
  /// Of the encoded matrices.
  std::size_t bytes() const noexcept;

  /// One ciphertext for each prime, which is taken for a fresh encryption whatever it says of itself. The outputs' predictions are those of
  /// predict(): they depend on the program's skeleton alone, and so do floods that follow from them.
  /// Errors: kMismatch for ciphertexts of other parameters, level or degree, or another number of them; kInvalidArgument for missing keys.
  base::Result<std::vector<Ciphertext>> run(const std::vector<Ciphertext>& inputs, const fhe::rlwe::KeySwitchKey* relinearization,
                                            const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress = {}) const;

 private:
  struct Affine {
    std::vector<typename Scheme::LinearTransform> transforms;  // by term
    typename Scheme::Plaintext bias;
  };
  /// What depends on the plaintext modulus.
  struct Residue {
    ContextPtr context;
    std::vector<std::optional<Affine>> affine;  // by step
    typename Scheme::Prediction output;
  };

  explicit ExactExecutor(ExactProgram program);
  base::Result<Affine> prepare(const ContextPtr& context, std::size_t step) const;
  base::Result<Ciphertext> run_affine(const Residue& residue, std::size_t step, const std::vector<Ciphertext>& values,
                                      const fhe::rlwe::GaloisKeys& rotations) const;
  base::Result<Ciphertext> run_residue(const Residue& residue, const Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                       const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress) const;

  ExactProgram program_;
  std::vector<ContextPtr> contexts_;
  std::vector<Layout> layouts_;  // of values
  std::vector<int> levels_;      // of values
  std::vector<std::vector<MatrixSkeleton>> skeletons_;
  std::vector<Residue> residues_;
};

extern template class ExactExecutor<Bfv>;
extern template class ExactExecutor<Bgv>;

}  // namespace blindproof::fheml

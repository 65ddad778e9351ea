// Runs a homomorphic program on ciphertexts.
#pragma once

#include <memory>
#include <optional>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/linear_transform.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

/// A program with its matrices encoded, to be run as often as wanted.
class Executor {
 public:
  /// Encodes all matrices: for each diagonal a polynomial over the level's moduli and the special ones.
  /// Errors: those of ckks::Context::create, unless a context of the program's parameters is given; kInvalidArgument for values
  /// that don't fit.
  static base::Result<Executor> create(Program program, const base::Progress& progress = {});
  static base::Result<Executor> create(Program program, fhe::ckks::ContextPtr context, const base::Progress& progress = {});

  const Program& program() const noexcept { return program_; }
  const fhe::ckks::ContextPtr& context() const noexcept { return context_; }
  /// Of the encoded matrices.
  std::size_t bytes() const noexcept;

  /// `input` is taken for a fresh encryption of values within the program's bound, whatever it says of itself. The output's
  /// prediction follows from that and from the program.
  /// Errors: kMismatch for a ciphertext of other parameters, level, scale or degree; kInvalidArgument for missing keys.
  base::Result<fhe::ckks::Ciphertext> run(const fhe::ckks::Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                          const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress = {}) const;

 private:
  struct Term {
    ValueId value;
    int level;
    fhe::ckks::LinearTransform transform;
    std::size_t fold_stride, fold_count;  // the product ends in a sum of so many slots, so far apart
  };
  struct Affine {
    std::vector<Term> terms;
    fhe::ckks::Plaintext bias;
  };

  Executor(Program program, fhe::ckks::ContextPtr context)
      : program_(std::move(program)), context_(std::move(context)), levels_(levels_of(program_.steps, context_->top_level())) {}
  base::Result<Affine> prepare(const AffineStep& step, std::size_t index, const std::vector<Layout>& layouts,
                               const fhe::ckks::Encoder& encoder) const;
  base::Result<fhe::ckks::Ciphertext> run_affine(const Affine& step, const std::vector<fhe::ckks::Ciphertext>& values,
                                                 const fhe::rlwe::GaloisKeys& rotations) const;

  Program program_;
  fhe::ckks::ContextPtr context_;
  std::vector<int> levels_;                   // of values
  std::vector<std::optional<Affine>> affine_;  // by step, where it is affine
};

}  // namespace blindproof::fheml

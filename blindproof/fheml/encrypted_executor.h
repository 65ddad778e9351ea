// Runs a program with encrypted weights on ciphertexts.
#pragma once

#include <memory>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fhe/rlwe/encrypted_matrix.h"
#include "blindproof/fheml/encrypted_program.h"
#include "blindproof/fheml/run_steps.h"

namespace blindproof::fheml {

/// To be run as often as wanted. The weights stay in the mapped memory of the file.
class EncryptedExecutor {
 public:
  /// Checks all ciphertexts.
  /// Errors: those of EncryptedProgramFile::load; kMismatch for a context of other parameters than the program's.
  static base::Result<EncryptedExecutor> create(const EncryptedProgramFile& file, fhe::ckks::ContextPtr context, const base::Progress& progress = {});

  const EncryptedProgram& program() const noexcept { return program_; }
  const fhe::ckks::ContextPtr& context() const noexcept { return context_; }
  /// Of the weights.
  std::size_t bytes() const noexcept { return bytes_; }

  /// `input` is taken for a fresh encryption of values within the program's bound, and weights for fresh encryptions of matrices within the bounds
  /// that the file states. The output's prediction follows from that; where a bound doesn't hold, neither need the prediction, nor the hiding of a flood
  /// that was chosen by it.
  /// Errors: kMismatch for a ciphertext of other parameters, level, scale or degree; kInvalidArgument for missing keys.
  base::Result<fhe::ckks::Ciphertext> run(const fhe::ckks::Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                          const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress = {}) const;

 private:
  struct Factor {
    fhe::rlwe::EncryptedMatrix matrix;
    Influence influence;
  };
  struct Affine {
    std::vector<TermShape> terms;
    std::vector<Factor> factors;  // of the terms
    fhe::rlwe::Parts bias;
  };

  EncryptedExecutor(EncryptedProgram program, fhe::ckks::ContextPtr context, std::size_t bytes)
      : program_(std::move(program)), context_(std::move(context)), bytes_(bytes) {}
  fhe::ckks::Outcome run_affine(std::size_t index, const std::vector<fhe::ckks::Ciphertext>& values,
                                const fhe::rlwe::KeySwitchKey& relinearization, const fhe::rlwe::GaloisKeys& rotations) const;

  EncryptedProgram program_;
  fhe::ckks::ContextPtr context_;
  std::size_t bytes_;
  std::vector<Affine> affine_;  // by step; empty where it isn't affine
};

}  // namespace blindproof::fheml

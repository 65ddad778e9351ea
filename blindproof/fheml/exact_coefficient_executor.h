// Runs one matrix of integers on the coefficients of an encrypted polynomial, on BFV.
//
// A linear model is one product with a plaintext: no rotations, so no evaluation keys, and errors grow with the weights alone. The other coefficients
// of the product are combinations of weights and inputs that aren't the client's business: uniformly random ones are added to them.
#pragma once

#include <vector>

#include "blindproof/fheml/exact_executor.h"

namespace blindproof::fheml {

class ExactCoefficientExecutor {
 public:
  using Ciphertext = fhe::bfv::Ciphertext;
  using ContextPtr = fhe::bfv::ContextPtr;

  /// Requires: a context for each of the program's primes, of its parameters, over one ring (Bfv::contexts).
  /// Errors: kMismatch for a program that isn't on coefficients; those of predict().
  static base::Result<ExactCoefficientExecutor> create(ExactProgram program, std::vector<ContextPtr> contexts);

  /// Of the encoded matrix.
  std::size_t bytes() const noexcept;

  /// One ciphertext for each prime, taken for fresh encryptions. Element r of the output is coefficient output_coefficient(program, r).
  /// Errors: kMismatch for another number of ciphertexts, other parameters or degree.
  base::Result<std::vector<Ciphertext>> run(const std::vector<Ciphertext>& inputs) const;

 private:
  /// What depends on the plaintext modulus.
  struct Residue {
    fhe::bfv::Plaintext matrix;
    std::vector<std::uint64_t> bias;  // by row
    Bfv::Prediction output;
  };

  ExactCoefficientExecutor(ExactProgram program, std::vector<ContextPtr> contexts)
      : program_(std::move(program)), contexts_(std::move(contexts)) {}

  ExactProgram program_;
  std::vector<ContextPtr> contexts_;
  std::vector<Residue> residues_;
};

}  // namespace blindproof::fheml

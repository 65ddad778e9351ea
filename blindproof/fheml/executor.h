// Runs a homomorphic program on ciphertexts.
#pragma once

#include <memory>
#include <optional>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/linear_transform.h"
#include "blindproof/fheml/prediction.h"
#include "blindproof/fheml/program.h"
#include "blindproof/fheml/run_steps.h"

namespace blindproof::fheml {

/// The rotation keys that a program's client makes.
fhe::rlwe::GaloisKeys generate_rotation_keys(const fhe::ckks::Context& context, const fhe::rlwe::SecretKey& secret, const ClientSpec& client,
                                             crypto::Csprng& random);

/// How the matrices of each step are kept: ready for products as far as these fit `weight_memory` bytes, the smallest first; others compact.
struct WeightStorage {
  std::vector<fhe::ckks::Storage> by_step;
  std::size_t bytes = 0;
};
inline constexpr std::size_t kWeightMemory = std::size_t{3} << 29;
WeightStorage choose_storage(const Program& program, const fhe::ckks::Context& context, std::size_t weight_memory);

/// A program with its matrices encoded, to be run as often as wanted.
class Executor {
 public:
  /// Encodes all matrices: for each diagonal a polynomial, stored as choose_storage() says.
  /// Errors: those of ckks::Context::create, unless a context of the program's parameters is given; kInvalidArgument for values
  /// that don't fit.
  static base::Result<Executor> create(Program program, const base::Progress& progress = {});
  static base::Result<Executor> create(Program program, fhe::ckks::ContextPtr context, const base::Progress& progress = {},
                                       std::size_t weight_memory = kWeightMemory);

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
  struct Factor {
    fhe::ckks::LinearTransform transform;
    Influence influence;
  };
  struct Affine {
    std::vector<TermShape> terms;
    std::vector<Factor> factors;  // of the terms
    fhe::ckks::Plaintext bias;
  };

  Executor(Program program, fhe::ckks::ContextPtr context)
      : program_(std::move(program)), context_(std::move(context)), levels_(levels_of(program_.steps, context_->top_level())) {}
  base::Result<Affine> prepare(const AffineStep& step, std::size_t index, const std::vector<Layout>& layouts,
                               fhe::ckks::Storage storage, const fhe::ckks::Encoder& encoder) const;
  base::Result<fhe::ckks::Ciphertext> run_affine(const Affine& step, const std::vector<fhe::ckks::Ciphertext>& values,
                                                 const fhe::rlwe::GaloisKeys& rotations) const;

  Program program_;
  fhe::ckks::ContextPtr context_;
  std::vector<int> levels_;                   // of values
  std::vector<std::optional<Affine>> affine_;  // by step, where it is affine
};

}  // namespace blindproof::fheml

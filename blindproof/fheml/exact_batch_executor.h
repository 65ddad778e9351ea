// Runs exact programs on many samples at once, on BFV: a ciphertext for each element of a tensor, whose N slots are the samples.
//
// A matrix takes ciphertexts times integers, and sums: no rotations, and errors grow with the weights alone.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fheml/exact_executor.h"

namespace blindproof::fheml {

class ExactBatchExecutor {
 public:
  using Ciphertext = fhe::bfv::Ciphertext;
  using ContextPtr = fhe::bfv::ContextPtr;

  /// Requires: a context for each of the program's primes, of its parameters, over one ring (Bfv::contexts).
  /// Errors: kMismatch for a program that isn't for batches, or not for BFV; those of predict().
  static base::Result<ExactBatchExecutor> create(ExactProgram program, std::vector<ContextPtr> contexts);

  const ExactProgram& program() const noexcept { return program_; }
  /// Of the weights.
  std::size_t bytes() const noexcept;

  /// For each prime in turn a ciphertext for each element of the input, and so of the output. Inputs are taken for fresh encryptions, and are
  /// used up: values go as soon as no later step needs them. Predictions: as those of ExactExecutor.
  /// Errors: kMismatch for another number of ciphertexts, other parameters or degree; kInvalidArgument for a missing key.
  base::Result<std::vector<Ciphertext>> run(std::vector<Ciphertext> inputs, const fhe::rlwe::KeySwitchKey* relinearization,
                                            const base::Progress& progress = {}) const;

 private:
  struct Column {
    std::uint32_t term, element;
    friend auto operator<=>(const Column&, const Column&) = default;
  };
  /// Rows that read the same columns, as a dense matrix.
  struct Group {
    std::vector<std::uint32_t> rows;
    std::vector<Column> columns;
    std::vector<std::int64_t> weights;  // row after row
  };
  using Value = std::vector<std::optional<Ciphertext>>;  // by element; emptied after the last step that reads it

  explicit ExactBatchExecutor(ExactProgram program);
  base::Result<std::vector<Ciphertext>> run_residue(const ContextPtr& context, std::vector<Ciphertext> inputs,
                                                    const fhe::rlwe::KeySwitchKey* relinearization, const base::Progress& progress) const;
  base::Result<Value> run_affine(const ContextPtr& context, std::size_t step, const std::vector<Value>& values) const;

  ExactProgram program_;
  std::vector<ContextPtr> contexts_;
  std::vector<std::vector<Group>> groups_;  // by step
  std::vector<std::size_t> last_use_;       // of values: the step that reads them last
  std::vector<std::vector<MatrixSkeleton>> skeletons_;
};

}  // namespace blindproof::fheml

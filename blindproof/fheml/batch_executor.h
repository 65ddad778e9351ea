// Runs a homomorphic program on many samples at once.
//
// Each element of a tensor is one ciphertext, whose slots are the samples. So a matrix takes ciphertexts times numbers, and sums: no
// rotations, and no polynomials to be encoded. What a sample costs is the least; what the whole batch takes is the same for one as for all slots.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fhe/rlwe/key_switch.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

class BatchExecutor {
 public:
  /// Requires: a context of the program's parameters.
  /// Errors: kMismatch for a program that isn't for batches; kInvalidArgument for weights beyond the moduli.
  static base::Result<BatchExecutor> create(Program program, fhe::ckks::ContextPtr context);

  const Program& program() const noexcept { return program_; }
  const fhe::ckks::ContextPtr& context() const noexcept { return context_; }
  /// Of the weights, as integers.
  std::size_t bytes() const noexcept;

  /// A ciphertext for each element of the output. `input` has one for each of the input's, taken for fresh encryptions of values within the
  /// program's bound, and is used up: values go as soon as no later step needs them.
  /// Errors: kMismatch for another number of ciphertexts, or other parameters, level, scale or degree; kInvalidArgument for a missing key.
  base::Result<std::vector<fhe::ckks::Ciphertext>> run(std::vector<fhe::ckks::Ciphertext> input,
                                                       const fhe::rlwe::KeySwitchKey* relinearization,
                                                       const base::Progress& progress = {}) const;

 private:
  struct Column {
    ValueId value;
    std::uint32_t element;
    friend auto operator<=>(const Column&, const Column&) = default;
  };
  struct Entry {
    Column column;
    double weight;  // an integer
  };
  /// Rows that read nearly the same columns, as one dense matrix.
  struct Group {
    std::vector<std::uint32_t> rows;
    std::vector<Column> columns;
    std::vector<double> weights;  // integers, row after row
  };
  /// How far the errors of a value's elements spread to the result's.
  struct Influence {
    ValueId value;
    double row_norm1, row_norm2;  // the largest of a row's weights
    double norm2;                 // of the matrix
    double rounding;              // of weights: the largest sum of a row
  };
  struct Affine {
    std::vector<Group> groups;
    std::vector<Influence> influences;
    std::vector<double> bias;  // integers
  };
  /// What steps make of values; emptied after the last one that reads it.
  struct Value {
    std::vector<std::optional<fhe::ckks::Ciphertext>> elements;
    fhe::ckks::Prediction prediction;  // of each of them, but for what follows
    double joint = 0;                  // deviation of the worst sum of elements' errors with weights of Euclidean norm 1
  };

  BatchExecutor(Program program, fhe::ckks::ContextPtr context);
  static void merge(std::vector<Entry>& entries);
  base::Result<Affine> prepare(const AffineStep& step, int out_level) const;
  base::Result<Value> run_affine(const Affine& step, std::size_t rows, int out_level, double magnitude, const std::vector<Value>& values) const;
  base::Result<Value> run_elements(const Step& step, std::size_t index, const fhe::rlwe::KeySwitchKey& relinearization,
                                   std::vector<Value>& values) const;
  fhe::ckks::Ciphertext with(fhe::ckks::Ciphertext a, const fhe::ckks::Prediction& prediction) const;

  Program program_;
  fhe::ckks::ContextPtr context_;
  std::vector<int> levels_;                    // of values
  std::vector<std::size_t> last_use_;          // of values: the step that reads them last
  std::vector<std::optional<Affine>> affine_;  // by step, where it is affine
};

}  // namespace blindproof::fheml

// What executors of programs for one sample at a time do alike, whatever their matrices are made of.
#pragma once

#include <functional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

/// A term of an affine step: a product, at `level`, that ends in a sum of `fold_count` slots that are `fold_stride` apart.
struct TermShape {
  ValueId value;
  int level;
  std::size_t fold_stride, fold_count;
};

/// Without the fold, and what is predicted with it.
struct TermProduct {
  fhe::ckks::Ciphertext ciphertext;
  fhe::ckks::Prediction prediction;
};

/// The sum of the terms' products, folded: those that follow each other with equal folds at once. `multiply` gets the number of a term and its value, at
/// the term's level.
fhe::ckks::Outcome sum_of_terms(const std::vector<TermShape>& terms, const std::vector<fhe::ckks::Ciphertext>& values,
                                const fhe::rlwe::GaloisKeys& rotations,
                                const std::function<base::Result<TermProduct>(std::size_t, const fhe::ckks::Ciphertext&)>& multiply);

/// Affine steps are left to `affine`, which gets the number of a step and all values before it.
/// Errors: kMismatch for an input of other parameters, level, scale or degree; kInvalidArgument for missing keys.
fhe::ckks::Outcome run_steps(const ClientSpec& client, const std::vector<Step>& steps, const fhe::ckks::ContextPtr& context,
                             const fhe::ckks::Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                             const std::function<fhe::ckks::Outcome(std::size_t, const std::vector<fhe::ckks::Ciphertext>&)>& affine,
                             const base::Progress& progress);

}  // namespace blindproof::fheml

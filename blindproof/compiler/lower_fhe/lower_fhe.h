// Float graph to homomorphic program, for CKKS.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fheml/program.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/model_file.h"

namespace blindproof::compiler {

struct LowerFheOptions {
  int scale_bits = 0;       // precision; 0: 40, or what flooding takes
  int hiding_bits = 40;     // of the flood that hides the weights from the holder of the secret key; 0: none
  fheml::Packing packing = fheml::Packing::kSingle;
  std::size_t degree = 15;  // of polynomials in place of ReLU, Clip, Sigmoid, Tanh, Erf and what is made of them
  int composite_bits = 0;   // ReLU by a composition of minimax polynomials, within 2^-bits of the range; 0: by one polynomial of that degree
  double margin = 1.25;     // by which ranges exceed those of calibration
  fhe::rlwe::SecurityLevel security = fhe::rlwe::SecurityLevel::k128;
};

/// What was chosen for one step, for people.
struct StepSummary {
  std::string nodes;  // names of those that it computes
  std::string operation;
  int level = 0;      // of the result
  std::size_t elements = 0, period = 0;
  std::size_t diagonals = 0, rotations = 0;  // of an affine step
  double approximation_error = 0;            // of a polynomial, on its range
};

struct LowerFheOutcome {
  fheml::Program program;
  std::vector<StepSummary> steps;
  double seconds = 0;  // by the cost model's units; not of batches
};

/// `ranges` by tensor, of calibration samples. Other tensors beyond the slots take several ciphertexts.
/// Errors: kUnsupported, naming the node, for what can't be computed on ciphertexts, with advice; kLimit for inputs and outputs beyond a ciphertext's slots (2^15; any tensor beyond 2^16 in batches) or
/// programs deeper than the largest ring, saying how many levels were needed; kInvalidArgument for options out of range.
base::Result<LowerFheOutcome> lower_fhe(const model::FloatGraph& graph, std::span<const model::FloatRange> ranges,
                                        const LowerFheOptions& options = {});

}  // namespace blindproof::compiler

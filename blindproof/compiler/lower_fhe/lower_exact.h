// Exact integer graph to homomorphic program, for BFV and BGV.
#pragma once

#include <vector>

#include "blindproof/compiler/lower_fhe/lower_fhe.h"
#include "blindproof/fheml/exact_program.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::compiler {

struct LowerExactOptions {
  fheml::ExactScheme scheme = fheml::ExactScheme::kBfv;
  int hiding_bits = 40;  // of the flood that hides the weights from the holder of the secret key; 0: none
  fheml::Packing packing = fheml::Packing::kSingle;
  fhe::rlwe::SecurityLevel security = fhe::rlwe::SecurityLevel::k128;
};

struct LowerExactOutcome {
  fheml::ExactProgram program;
  std::vector<StepSummary> steps;
};

/// The program gives the graph's integers, all of them, for every input in the declared range.
/// Errors: kUnsupported for rescaled graphs, results that don't depend on the input, or batches of BGV; kLimit for tensors beyond a row of slots, outputs of more
/// than 126 bits (BGV: 28), or programs whose errors no ring has room for, with what they need; kInvalidArgument for options out of range, and
/// graphs that aren't valid.
base::Result<LowerExactOutcome> lower_exact(const model::IntegerGraph& graph, const LowerExactOptions& options = {});

}  // namespace blindproof::compiler

// Verification of a proof file against a model key and whatever the verifier knows about input, output and context.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blindproof/client_side/verify.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct VerifyRequest {
  Path proof, model_key;
  std::optional<Path> input;         // reals, quantised as the model says and then compared
  std::optional<std::size_t> index;  // which sample of the input, if it holds several
  std::optional<Path> output;        // integers
  std::optional<Path> opening;
  std::optional<base::Bytes> context;
};

using client_side::TensorReport;
using client_side::Verdict;

/// Checks, in this order: the key's registration, the model's id, the context, the proof, the opening, given values.
/// Errors: input that can't be used: missing or malformed files, or values for a hidden tensor without its opening.
base::Result<Verdict> verify(const VerifyRequest& request);

}  // namespace blindproof::engine

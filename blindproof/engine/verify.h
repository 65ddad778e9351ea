// Verification of a proof file against a model key and whatever the verifier knows about input, output and context.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

/// One tensor of the statement.
struct TensorReport {
  model::Shape shape;
  bool hidden = false;
  std::string commitment;              // digest of the rows, if hidden
  std::vector<model::Int128> values;   // of a public one
  bool opened = false;                 // the opening is of this commitment
  bool compared = false;               // with values that the verifier gave
};

struct Verdict {
  /// The failed check is its place: "statement.context", "registration.sigma", ... Nothing else here is proven then.
  std::optional<base::Error> refusal;
  zkml::ModelId model{};  // of the key
  std::string arithmetic;
  std::size_t parameters = 0;
  TensorReport input, output;
  std::vector<double> output_reals;  // of a public output
  std::optional<std::size_t> top_class;
  base::Bytes context;
  std::size_t proof_bytes = 0;
  double registration_seconds = 0;
  double proof_seconds = 0;
};

/// Checks, in this order: the key's registration, the model's id, the context, the proof, the opening, given values.
/// Errors: input that can't be used: missing or malformed files, or values for a hidden tensor without its opening.
base::Result<Verdict> verify(const VerifyRequest& request);

}  // namespace blindproof::engine

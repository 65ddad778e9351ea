// Verification of proofs of inference with what the verifier knows of input, output and context.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/zkml/model_key.h"
#include "blindproof/zkml/prove.h"

namespace blindproof::client_side {

struct Evidence {
  std::shared_ptr<const zkml::ModelKey> key;
  zkml::InferenceProof proof;
  std::optional<zkml::Opening> opening;
  std::optional<std::vector<model::Int128>> input, output;  // what the verifier knows: the model's integers
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
  std::size_t proof_bytes = 0;  // set by those who read it
  double registration_seconds = 0;
  double proof_seconds = 0;
};

/// "rescaled", "exact"
std::string arithmetic_name(const model::Architecture& architecture);
/// SHA-256 of the rows' encodings, in hex: how a hidden tensor is shown.
std::string commitment_digest(const zkml::VisibleTensor& tensor);

/// Errors: kInvalidArgument at "input", "output" or "opening" for values that are given for a hidden tensor without its opening.
base::Status check_comparable(const Evidence& evidence);

/// Checks, in this order: the key's registration, the model's id, the context, the proof, the opening, given values.
/// Errors: those of check_comparable.
base::Result<Verdict> verify(const Evidence& evidence);

}  // namespace blindproof::client_side

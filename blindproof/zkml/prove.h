// Proofs of inference.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/proof/zk/context.h"
#include "blindproof/zkml/model_key.h"

namespace blindproof::zkml {

inline constexpr std::string_view kInferenceProtocol = "blindproof v1 inference";
inline constexpr std::size_t kMaxContextBytes = 1 << 16;

/// A tensor of the statement: its values, or a hiding commitment to them.
struct VisibleTensor {
  bool hidden = false;
  std::vector<model::Int128> values;         // if not hidden
  std::vector<commit::G1Affine> rows;        // if hidden
};

/// What is proven: "the model with this id maps this input to this output", and in which context.
struct Statement {
  ModelId model{};
  VisibleTensor input, output;
  base::Bytes context;
};

/// A statement with its proof: a `.bpp` file (docs/spec/proof-file.md).
struct InferenceProof {
  Statement statement;
  base::Bytes proof;
};

base::Bytes write_inference_proof(const InferenceProof& proof);
/// Errors: kMalformed, kUnsupported (version), kLimit. Points of commitments are validated, the proof's own elements are not.
base::Result<InferenceProof> parse_inference_proof(base::ByteSpan bytes);

/// What opens the hidden tensors of one statement: a `.open` file. Secret.
struct OpenedTensor {
  std::vector<model::Int128> values;
  Seed seed{};
};
struct Opening {
  ModelId model{};
  std::optional<OpenedTensor> input, output;
};

base::Bytes write_opening(const Opening& opening);
base::Result<Opening> parse_opening(base::ByteSpan bytes);

struct ProveOptions {
  bool hide_input = false;
  bool hide_output = false;
  base::Bytes context;  // at most kMaxContextBytes
};

struct ProveOutcome {
  InferenceProof proof;
  Opening opening;                          // of what is hidden
  std::vector<model::Int128> output;
};

/// Runs the network and proves it.  Errors: kInvalidArgument for input values outside the model's range or a wrong number.
base::Result<ProveOutcome> prove_inference(const CommittedModel& model, std::span<const std::int64_t> input,
                                           const ProveOptions& options, const base::Progress& progress = {},
                                           const Generators& generators = Generators::standard());

/// Good if the proof shows its statement for this model.
/// Errors: kMismatch (another model), kRejected (place names the check), kMalformed.
base::Status verify_inference(const RegisteredModel& model, const InferenceProof& proof,
                              const Generators& generators = Generators::standard());

/// Checks that values are what a statement's tensor shows or hides.  `layout` is the tensor's in the model's plan.
/// Errors: kRejected at "statement.input" or "statement.output".
base::Status check_opening(const ModelKey& key, const Statement& statement, const Opening& opening,
                           const Generators& generators = Generators::standard());

/// Row commitments of a hidden input or output, as statements carry them.
std::vector<commit::G1Affine> commit_tensor(const commit::TensorLayout& layout, std::span<const model::Int128> values,
                                            const Seed& seed, std::string_view label, const Generators& generators);

}  // namespace blindproof::zkml

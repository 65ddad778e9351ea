#include "blindproof/zkml/prove.h"

#include <string>

#include "blindproof/crypto/keccak.h"
#include "blindproof/crypto/random.h"
#include "blindproof/zkml/inference.h"

namespace blindproof::zkml {
namespace {

using base::ErrorCode;
using commit::IntegerSpan;
using model::Int128;

IntegerSpan span_of(const std::vector<Int128>& values) { return std::span<const Int128>(values); }

// A hidden tensor's blinds, from its seed.
std::vector<field::Fr> tensor_blinds(const commit::TensorLayout& layout, std::span<const Int128> values, const Seed& seed,
                                     std::string_view label) {
  const commit::SeededBlinds source(seed, label);
  std::vector<field::Fr> blinds(layout.rows());
  for (std::size_t r = 0; r < layout.rows(); ++r) {
    // Bytes of the values themselves, not of their place in memory: the same on every machine.
    base::ByteWriter row;
    const std::size_t begin = layout.row_begin(r), cells = layout.row_cells(layout.is_partial(r));
    for (std::size_t k = 0; k < cells; ++k) row.raw(field::Fr::from_i128(values[begin + k]).to_bytes());
    blinds[r] = source.row_blind(0, r, row.bytes());
  }
  return blinds;
}

}  // namespace

std::vector<commit::G1Affine> commit_tensor(const commit::TensorLayout& layout, std::span<const Int128> values,
                                            const Seed& seed, std::string_view label, const Generators& generators) {
  return commit::commit_rows(generators, layout, values, tensor_blinds(layout, values, seed, label));
}

base::Result<ProveOutcome> prove_inference(const CommittedModel& model, std::span<const std::int64_t> input,
                                           const ProveOptions& options, const base::Progress& progress,
                                           const Generators& generators) {
  const ModelKey& key = model.key();
  const model::Architecture& arch = key.architecture;
  if (options.context.size() > kMaxContextBytes)
    return base::error(ErrorCode::kLimit, "context", "has more than " + std::to_string(kMaxContextBytes) + " bytes");
  if (input.size() != model::element_count(arch.shapes[arch.input])) {
    return base::error(ErrorCode::kInvalidArgument, "input",
                       "has " + std::to_string(input.size()) + " values, the model takes " + model::to_string(arch.shapes[arch.input]));
  }
  for (std::int64_t v : input)
    if (v < arch.input_min || v > arch.input_max)
      return base::error(ErrorCode::kInvalidArgument, "input", "value " + std::to_string(v) + " is outside the model's range");

  progress.report("inference", 0, 3);
  Witness witness;
  witness.parameters = &model.secrets();
  ProveOutcome outcome;
  const std::vector<Int128> wide_input(input.begin(), input.end());
  if (arch.arithmetic == model::Arithmetic::kRescaled) {
    auto trace = model::run_rescaled(model.graph(), input);
    outcome.output.assign(trace.tensors[arch.output].begin(), trace.tensors[arch.output].end());
    witness.trace = std::move(trace);
  } else {
    auto trace = model::run_exact(model.graph(), input);
    outcome.output = trace.tensors[arch.output];
    witness.trace = std::move(trace);
  }
  fill_columns(key, model.graph(), witness);

  Statement& statement = outcome.proof.statement;
  statement.model = key.id;
  statement.context = options.context;
  outcome.opening.model = key.id;
  auto place = [&](bool hide, const std::vector<Int128>& values, model::TensorId id, std::string_view label,
                   VisibleTensor& visible, std::optional<OpenedTensor>& opening, TensorSecret& secret) {
    visible.hidden = hide;
    if (!hide) {
      visible.values = values;
      return;
    }
    opening.emplace();
    opening->values = values;
    crypto::random_bytes(opening->seed);
    const commit::TensorLayout& layout = key.plan.tensors[id].layout;
    secret = {span_of(opening->values), tensor_blinds(layout, opening->values, opening->seed, label)};
    visible.rows = commit::commit_rows(generators, layout, secret.values, secret.blinds);
  };
  place(options.hide_input, wide_input, arch.input, "input", statement.input, outcome.opening.input, witness.input);
  place(options.hide_output, outcome.output, arch.output, "output", statement.output, outcome.opening.output, witness.output);

  progress.report("proving", 1, 3);
  Seed entropy;
  crypto::random_bytes(entropy);
  // Everything the witness is made of: the model's secrets, the input, seeds of hidden tensors.
  base::ByteWriter digest;
  digest.raw(model.secret_digest());
  for (std::int64_t v : input) digest.i64(v);
  for (const auto* t : {&outcome.opening.input, &outcome.opening.output})
    if (t->has_value()) digest.raw((*t)->seed);
  proof::zk::ProverContext context(generators, kInferenceProtocol, entropy, digest.bytes());
  BLINDPROOF_TRY(run_inference(context, key, statement, &witness));
  progress.report("proving", 2, 3);
  outcome.proof.proof = context.finish();
  progress.report("proving", 3, 3);
  return outcome;
}

base::Status verify_inference(const RegisteredModel& model, const InferenceProof& proof, const Generators& generators) {
  if (proof.statement.model != model.key().id)
    return base::error(ErrorCode::kMismatch, "statement.model", "the proof is about another model than this key");
  proof::zk::VerifierContext context(generators, kInferenceProtocol, proof.proof);
  BLINDPROOF_TRY(run_inference(context, model.key(), proof.statement, nullptr));
  return context.finish();
}

base::Status check_opening(const ModelKey& key, const Statement& statement, const Opening& opening,
                           const Generators& generators) {
  if (opening.model != key.id) return base::error(ErrorCode::kMismatch, "opening", "belongs to another model");
  if (statement.model != key.id) return base::error(ErrorCode::kMismatch, "statement.model", "the proof is about another model than this key");
  auto check = [&](const std::optional<OpenedTensor>& tensor, const VisibleTensor& visible, model::TensorId id,
                   std::string_view label, const char* place) -> base::Status {
    if (!tensor) return {};
    const commit::TensorLayout& layout = key.plan.tensors[id].layout;
    if (!visible.hidden) return base::error(ErrorCode::kRejected, place, "is not hidden in this proof");
    if (tensor->values.size() != layout.cells() ||
        !(commit_tensor(layout, tensor->values, tensor->seed, label, generators) == visible.rows))
      return base::error(ErrorCode::kRejected, place, "the opening is not of the proof's commitment");
    return {};
  };
  BLINDPROOF_TRY(check(opening.input, statement.input, key.architecture.input, "input", "statement.input"));
  return check(opening.output, statement.output, key.architecture.output, "output", "statement.output");
}

}  // namespace blindproof::zkml

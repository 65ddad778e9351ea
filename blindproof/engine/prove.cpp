#include "blindproof/engine/prove.h"

#include <memory>
#include <utility>

#include "blindproof/crypto/secret.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

base::Status check_outputs(const ProveRequest& request) {
  BLINDPROOF_TRY(check_writable(request.proof));
  if (request.output) BLINDPROOF_TRY(check_writable(*request.output));
  if (opening_path(request.proof) == request.proof) {
    return base::error(ErrorCode::kInvalidArgument, request.proof.string(),
                       "is the name for the opening; call the proof otherwise, for instance P.bpp");
  }
  if (request.context.size() > zkml::kMaxContextBytes) {
    return base::error(ErrorCode::kLimit, "--context",
                       "has more than " + std::to_string(zkml::kMaxContextBytes) + " bytes; give a hash of it");
  }
  return {};
}

base::Result<zkml::CommittedModel> load(const ProveRequest& request) {
  BLINDPROOF_ASSIGN(model::ModelFile file, read_model(request.model));
  BLINDPROOF_ASSIGN(zkml::ModelKey key, read_model_key(request.model_key));
  base::Result<zkml::CommittedModel> loaded = zkml::CommittedModel::load(
      std::move(file.graph), file.blinding_seed, std::make_shared<const zkml::ModelKey>(std::move(key)));
  crypto::wipe(file.blinding_seed);
  if (!loaded.ok()) return in_file(request.model_key, std::move(loaded).error());
  return loaded;
}

base::Status write_output(const ProveRequest& request, const model::Architecture& arch,
                          const std::vector<model::Int128>& integers) {
  const auto mode = request.hide_output ? base::FileMode::kSecret : base::FileMode::kPublic;
  if (request.dequantize_output) {
    BLINDPROOF_TRY(
        write_reals(*request.output, real_output_shape(arch), model::dequantize_output(arch, integers), mode));
  } else {
    BLINDPROOF_TRY(write_integers(*request.output, arch.shapes[arch.output], integers, mode));
  }
  return {};
}

// A damaged model file or a faulty computation must not leave as a proof.
base::Status check_own_proof(const zkml::CommittedModel& model, const zkml::InferenceProof& proof) {
  BLINDPROOF_ASSIGN(const zkml::RegisteredModel registered, zkml::RegisteredModel::check(model.shared_key()));
  const base::Status verdict = zkml::verify_inference(registered, proof);
  if (verdict.ok()) return verdict;
  return base::error(ErrorCode::kRejected, "self-check",
                     "the new proof is refused by check " + verdict.error().place +
                         ": the model is not what the key was made from, or the machine made an error. "
                         "Nothing was written");
}

}  // namespace

Path opening_path(const Path& proof) { return Path(proof).replace_extension(".open"); }

base::Result<ProveOutcome> prove(const ProveRequest& request, const base::Progress& progress) {
  BLINDPROOF_TRY(check_outputs(request));
  ProveOutcome outcome;
  const Stopwatch loading;
  progress.report("loading the model", 0, 1);
  BLINDPROOF_ASSIGN(const zkml::CommittedModel model, load(request));
  const model::Architecture& arch = model.graph().architecture;
  BLINDPROOF_ASSIGN(const std::vector<float> sample,
                    read_sample(request.input, arch.shapes[arch.input], request.index));
  base::Result<std::vector<std::int64_t>> input = model::quantize_input(arch, sample);
  if (!input.ok()) return in_file(request.input, std::move(input).error());
  outcome.load_seconds = loading.seconds();

  const Stopwatch proving;
  BLINDPROOF_ASSIGN(const zkml::ProveOutcome proven,
                    zkml::prove_inference(model, *input, {request.hide_input, request.hide_output, request.context},
                                          progress));
  outcome.prove_seconds = proving.seconds();

  progress.report("checking the proof", 0, 1);
  const Stopwatch checking;
  BLINDPROOF_TRY(check_own_proof(model, proven.proof));
  outcome.check_seconds = checking.seconds();

  // The opening first: a proof whose opening is lost can't be opened by anybody any more.
  if (request.hide_input || request.hide_output) {
    outcome.opening = opening_path(request.proof);
    BLINDPROOF_ASSIGN(outcome.opening_bytes, write_opening(*outcome.opening, proven.opening));
  }
  if (request.output) BLINDPROOF_TRY(write_output(request, arch, proven.output));
  BLINDPROOF_ASSIGN(outcome.proof_bytes, write_proof(request.proof, proven.proof));

  outcome.model = model.key().id;
  outcome.output_hidden = request.hide_output;
  outcome.output_shape = arch.shapes[arch.output];
  outcome.real_shape = real_output_shape(arch);
  if (!request.hide_output) {
    outcome.integers = proven.output;
    outcome.reals = model::dequantize_output(arch, proven.output);
    outcome.top_class = top_class(outcome.output_shape, proven.output);
  }
  return outcome;
}

}  // namespace blindproof::engine

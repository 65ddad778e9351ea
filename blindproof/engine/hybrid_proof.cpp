#include "blindproof/engine/hybrid_proof.h"

#include <memory>
#include <utility>

#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using client_side::exchange_of;

}  // namespace

base::Result<ProveAnswerOutcome> prove_answer(const ProveAnswerRequest& request, const base::Progress& progress) {
  ProveAnswerOutcome outcome;
  const Stopwatch loading;
  progress.report("loading the model", 0, 1);
  const hybrid::Program& program = request.program->program;
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, read_model_key(request.model_key));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  base::Result<hybrid::BoundedModel> bounded = client_side::check_bounded_model(key);
  if (!bounded.ok()) return in_file(request.model_key, std::move(bounded).error());
  base::Result<zkml::CommittedModel> model = zkml::CommittedModel::load(program.graph(), request.program->blinding_seed, key);
  if (!model.ok()) return in_file(request.model_key, std::move(model).error());
  if (bounded->bounds() != program.spec().bounds()) {
    return base::error(ErrorCode::kMismatch, request.model_key.string(),
                       "its bounds are not those that the program was made with: lower the model again");
  }
  outcome.model = key->id;
  outcome.load_seconds = loading.seconds();

  progress.report("proving", 0, 1);
  const Stopwatch proving;
  const hybrid::Exchange exchange =
      exchange_of(*request.ring, *request.key, *request.input, request.outputs, request.output_digest);
  BLINDPROOF_ASSIGN(outcome.proof, hybrid::prove_answer(*model, program.spec().parameters(), *request.evaluation, exchange, request.context));
  outcome.prove_seconds = proving.seconds();

  progress.report("checking the proof", 0, 1);
  const Stopwatch checking;
  if (const base::Status verdict = hybrid::verify_answer(*bounded, outcome.proof, exchange); !verdict.ok()) {
    return base::error(ErrorCode::kRejected, "self-check",
                       "the new proof is refused by check " + verdict.error().place +
                           ": program, key and ciphertexts don't belong together, or the machine made an error. Nothing was written");
  }
  outcome.check_seconds = checking.seconds();
  return outcome;
}

base::Result<AnswerVerdict> verify_answer(const VerifyAnswerRequest& request) {
  const Stopwatch loading;
  const fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const base::Bytes proof_bytes, base::read_file(request.proof, kMaxProofBytes));
  BLINDPROOF_ASSIGN(const hybrid::HybridProof proof, in_file(request.proof, hybrid::parse_hybrid_proof(proof_bytes)));
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, read_model_key(request.model_key));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile public_key, read_hybrid_public_key(*ring, request.public_key));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile input, read_hybrid_ciphertexts(*ring, request.input));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile output, read_hybrid_ciphertexts(*ring, request.output));
  const double load_seconds = loading.seconds();
  AnswerVerdict verdict = client_side::verify_answer({ring.get(), key, &proof, &public_key, &input, &output, request.context});
  verdict.proof_bytes = proof_bytes.size();
  verdict.load_seconds = load_seconds;
  return verdict;
}

base::Result<bool> is_answer_proof(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxProofBytes));
  return hybrid::is_hybrid_proof(bytes);
}

}  // namespace blindproof::engine

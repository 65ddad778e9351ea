#include "blindproof/engine/hybrid_proof.h"

#include <memory>
#include <utility>

#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

hybrid::Exchange exchange_of(const fhe::frbgv::Ring& ring, const hybrid::PublicKeyFile& key, const hybrid::CiphertextFile& input,
                             std::span<const hybrid::Ciphertext> outputs, const hybrid::Digest& output_digest) {
  return {&ring, &key.key, input.ciphertexts, outputs, input.records, key.digest, input.digest, output_digest};
}

base::Result<hybrid::BoundedModel> check_model(std::shared_ptr<const zkml::ModelKey> key) {
  BLINDPROOF_ASSIGN(zkml::RegisteredModel registered, zkml::RegisteredModel::check(std::move(key)));
  return hybrid::BoundedModel::check(std::move(registered));
}

base::Status check_context(const base::Bytes& proven, const std::optional<base::Bytes>& given) {
  if (proven == given.value_or(base::Bytes{})) return {};
  return base::error(ErrorCode::kRejected, "statement.context",
                     !given ? "the proof was made for a context; give the one you expect with --context"
                            : proven.empty() ? "the proof was made for no context" : "the proof was made for another context");
}

base::Status check(const std::shared_ptr<const zkml::ModelKey>& key, const hybrid::HybridProof& proof, const hybrid::Exchange& exchange,
                   const hybrid::CiphertextFile& output, const std::optional<base::Bytes>& context, AnswerVerdict& verdict) {
  static_cast<void>(commit::Generators::standard());  // derived once per process, outside the times
  const Stopwatch registration;
  BLINDPROOF_ASSIGN(const hybrid::BoundedModel model, check_model(key));
  verdict.registration_seconds = registration.seconds();
  BLINDPROOF_TRY(check_context(proof.statement.context, context));
  if (output.records != exchange.records) {
    return base::error(ErrorCode::kRejected, "output",
                       "holds " + std::to_string(output.records) + " records, the input " + std::to_string(exchange.records));
  }
  const Stopwatch watch;
  BLINDPROOF_TRY(hybrid::verify_answer(model, proof, exchange));
  verdict.proof_seconds = watch.seconds();
  return {};
}

}  // namespace

base::Result<ProveAnswerOutcome> prove_answer(const ProveAnswerRequest& request, const base::Progress& progress) {
  ProveAnswerOutcome outcome;
  const Stopwatch loading;
  progress.report("loading the model", 0, 1);
  const hybrid::Program& program = request.program->program;
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, read_model_key(request.model_key));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  base::Result<hybrid::BoundedModel> bounded = check_model(key);
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
  AnswerVerdict verdict;
  const Stopwatch loading;
  const fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const base::Bytes proof_bytes, base::read_file(request.proof, kMaxProofBytes));
  verdict.proof_bytes = proof_bytes.size();
  BLINDPROOF_ASSIGN(const hybrid::HybridProof proof, in_file(request.proof, hybrid::parse_hybrid_proof(proof_bytes)));
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, read_model_key(request.model_key));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile public_key, read_hybrid_public_key(*ring, request.public_key));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile input, read_hybrid_ciphertexts(*ring, request.input));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile output, read_hybrid_ciphertexts(*ring, request.output));
  verdict.load_seconds = loading.seconds();

  const hybrid::Statement& statement = proof.statement;
  verdict.key = key;
  verdict.output_digest = output.digest;
  verdict.records = input.records;
  verdict.features = input.ciphertexts.size();
  verdict.outputs = output.ciphertexts.size();
  verdict.plaintext_modulus = statement.plaintext_modulus;
  verdict.evaluations = statement.evaluations;
  verdict.flood_bits = statement.flood_bits;
  verdict.context = statement.context;
  const hybrid::Exchange exchange = exchange_of(*ring, public_key, input, output.ciphertexts, output.digest);
  if (const base::Status status = check(key, proof, exchange, output, request.context, verdict); !status.ok()) verdict.refusal = status.error();
  return verdict;
}

base::Result<bool> is_answer_proof(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxProofBytes));
  return hybrid::is_hybrid_proof(bytes);
}

}  // namespace blindproof::engine

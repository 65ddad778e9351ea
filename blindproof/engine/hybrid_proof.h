// Proofs of answers to encrypted questions: made where they are evaluated, checked by whoever has question and answer.
#pragma once

#include <memory>
#include <optional>

#include "blindproof/base/progress.h"
#include "blindproof/client_side/hybrid.h"
#include "blindproof/engine/files.h"
#include "blindproof/hybrid/files.h"
#include "blindproof/hybrid/proof.h"

namespace blindproof::engine {

/// Everything is in memory already; digests are those of the files.
struct ProveAnswerRequest {
  const fhe::frbgv::Ring* ring = nullptr;
  const hybrid::ProgramFile* program = nullptr;
  const hybrid::PublicKeyFile* key = nullptr;
  const hybrid::CiphertextFile* input = nullptr;
  const hybrid::Evaluation* evaluation = nullptr;
  std::span<const hybrid::Ciphertext> outputs;
  hybrid::Digest output_digest{};
  Path model_key;
  base::Bytes context;
};
struct ProveAnswerOutcome {
  zkml::ModelId model{};
  hybrid::HybridProof proof;
  double load_seconds = 0, prove_seconds = 0, check_seconds = 0;  // the model; the proof; verifying it before it leaves
};
/// Errors: kMismatch for another model's key, or one without bounds; kRejected at "self-check"; kLimit for the context.
base::Result<ProveAnswerOutcome> prove_answer(const ProveAnswerRequest& request, const base::Progress& progress = {});

struct VerifyAnswerRequest {
  Path proof, model_key, public_key, input, output;
  std::optional<base::Bytes> context;
};
using client_side::AnswerVerdict;
/// Checks, in this order: the key's registration and bounds, the context, the statement against key and ciphertexts, the proof.
/// Errors: files that can't be read.
base::Result<AnswerVerdict> verify_answer(const VerifyAnswerRequest& request);

/// Whether a proof file is one of this level.   Errors: those of reading it.
base::Result<bool> is_answer_proof(const Path& path);

}  // namespace blindproof::engine

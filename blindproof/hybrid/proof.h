// Proofs of evaluations on ciphertexts, as files and as one call on each side. Specification: docs/spec/hybrid.md.
#pragma once

#include "blindproof/hybrid/program.h"

namespace blindproof::hybrid {

/// A statement with its proof: a `.bpp` file of this level (docs/spec/hybrid.md, "Files").
struct HybridProof {
  Statement statement;
  base::Bytes proof;
};

base::Bytes write_hybrid_proof(const HybridProof& proof);
/// Errors: kMalformed, kUnsupported (version), kLimit. The proof's own elements are not looked at.
base::Result<HybridProof> parse_hybrid_proof(base::ByteSpan bytes);
/// Whether a file begins as such a proof, rather than as one of the zkml level.
bool is_hybrid_proof(base::ByteSpan bytes);

/// One question and its answer, as both sides see them. Digests are those of the bytes that the values were read from.
struct Exchange {
  const Ring* ring = nullptr;
  const fhe::frbgv::PublicKey* key = nullptr;
  std::span<const Ciphertext> inputs, outputs;
  std::uint64_t records = 0;  // that the inputs hold
  Digest key_digest{}, input_digest{}, output_digest{};
};

/// Proves that the exchange's outputs are the model's on its inputs. `evaluation` is what evaluate() of the same model gave.
/// Errors: kUnsupported for other networks; kLimit for the context; kMismatch if the evaluation isn't this model's.
base::Result<HybridProof> prove_answer(const zkml::CommittedModel& model, const Parameters& parameters, const Evaluation& evaluation,
                                       const Exchange& exchange, base::Bytes context, const Generators& generators = Generators::standard());

/// Good if the outputs are this model's on these inputs, re-randomised, for all of the inputs' records.
/// Errors: kMismatch (another model, key, ciphertext or parameter: place "statement..."), kRejected (place names the check), kMalformed.
base::Status verify_answer(const BoundedModel& model, const HybridProof& proof, const Exchange& exchange,
                           const Generators& generators = Generators::standard());

// The same with parameters, vanishing polynomial and re-randomiser taken as they come, which tests need.

/// Requires: a statement, values and a witness that belong together; values as in run_hybrid.
base::Result<HybridProof> prove_evaluation(const zkml::CommittedModel& model, Statement statement, const Ring& ring, const PublicValues& values,
                                           const ProofWitness& witness, const Generators& generators = Generators::standard());

/// What a verifier knows without the prover.
struct Expected {
  std::uint64_t plaintext_modulus = 0;
  std::uint32_t flood_bits = 0;
  std::uint64_t records = 0;
  Digest public_key{}, input{}, output{};
};
/// Caller must: have computed the expected digests from the bytes that `values` was read from, parameters from the registered bounds,
/// and Z from the expected records.
base::Status verify_evaluation(const BoundedModel& model, const HybridProof& proof, const Expected& expected, const Ring& ring,
                               const PublicValues& values, const Generators& generators = Generators::standard());

}  // namespace blindproof::hybrid

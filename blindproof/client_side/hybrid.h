// The client's part of the hybrid level, on parsed files: keys, encryption, verification and decryption.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "blindproof/client_side/answers.h"
#include "blindproof/hybrid/files.h"
#include "blindproof/hybrid/proof.h"

namespace blindproof::client_side {

// What belongs to this model; inputs and outputs of it.   Errors: kMismatch, without a place.
base::Status check_plaintext_modulus(const hybrid::KeyHeader& header, const hybrid::Spec& spec);
base::Status check_inputs(const hybrid::CiphertextFile& file, const hybrid::Spec& spec);
base::Status check_outputs(const hybrid::CiphertextFile& file, const hybrid::Spec& spec);

struct HybridKeys {
  hybrid::KeyHeader header;
  base::Bytes secret, public_key;  // files; the secret is to be wiped
};
/// Errors: those of sealing it under the passphrase, if there is one.
base::Result<HybridKeys> generate_hybrid_keys(const hybrid::Spec& spec, const crypto::SecretBytes* passphrase);

/// Values are rounded and clipped as the plain interpreter does. A file of ciphertexts.
/// Errors: kInvalidArgument for a record of another size, kLimit for more records than slots.
base::Result<base::Bytes> encrypt_hybrid(const hybrid::Spec& spec, const hybrid::SecretKeyFile& key, const std::vector<std::vector<float>>& records);

struct AnswerEvidence {
  const fhe::frbgv::Ring* ring = nullptr;
  std::shared_ptr<const zkml::ModelKey> model_key;
  const hybrid::HybridProof* proof = nullptr;
  const hybrid::PublicKeyFile* public_key = nullptr;
  const hybrid::CiphertextFile *input = nullptr, *output = nullptr;
  std::optional<base::Bytes> context;
};
struct AnswerVerdict {
  /// The failed check is its place. Nothing else here is proven then.
  std::optional<base::Error> refusal;
  std::shared_ptr<const zkml::ModelKey> key;
  hybrid::Digest output_digest{};   // of the file that was looked at
  std::size_t records = 0, features = 0, outputs = 0;
  std::uint64_t plaintext_modulus = 0, evaluations = 0;
  unsigned flood_bits = 0;
  base::Bytes context;
  std::size_t proof_bytes = 0;      // set by those who read it
  double load_seconds = 0;          // likewise: reading and hashing
  double registration_seconds = 0;  // ranges and bounds
  double proof_seconds = 0;
};
/// The registration and the bounds of a key.   Errors: kRejected.
base::Result<hybrid::BoundedModel> check_bounded_model(std::shared_ptr<const zkml::ModelKey> key);
/// What the proof is about.
hybrid::Exchange exchange_of(const fhe::frbgv::Ring& ring, const hybrid::PublicKeyFile& key, const hybrid::CiphertextFile& input,
                             std::span<const hybrid::Ciphertext> outputs, const hybrid::Digest& output_digest);
/// Checks, in this order: the key's registration and bounds, the context, the statement against key and ciphertexts, the proof.
AnswerVerdict verify_answer(const AnswerEvidence& evidence);

/// Whether the verdict is about this spec's model and these outputs.   Errors: kRejected, with the check in its text; kMismatch.
base::Status check_verdict(const AnswerVerdict& verdict, const hybrid::Spec& spec, const hybrid::CiphertextFile& output);

struct HybridAnswers {
  Answers answers;
  int phase_bits = 0;  // of the largest coefficient
};
/// Caller must: have checked the outputs, and verified their proof: decrypting what was never proven may tell a server about the key.
/// Errors: kMismatch for another key; kRejected for results that no evaluation gives.
base::Result<HybridAnswers> decrypt_hybrid(const hybrid::Spec& spec, const hybrid::SecretKeyFile& key, const hybrid::CiphertextFile& output);

}  // namespace blindproof::client_side

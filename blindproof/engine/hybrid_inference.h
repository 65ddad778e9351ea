// Encrypted inference of the hybrid level: batches of records under a model whose answers can be proven.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/engine/fhe_keys.h"
#include "blindproof/hybrid/files.h"

namespace blindproof::engine {

/// Whether a .bpf, .bpc or .bpct is of this level. False for anything that can't be read: its reader knows what to say.
bool is_hybrid_file(const Path& path);

// Errors of the readers: those of files and of hybrid/files.h.
base::Result<hybrid::ProgramFile> read_hybrid_program(const Path& path);
base::Result<hybrid::Spec> read_hybrid_spec(const Path& path);
base::Result<hybrid::SecretKeyFile> read_hybrid_secret_key(const fhe::frbgv::RingPtr& ring, const Path& folder, const hybrid::AskPassphrase& ask);
base::Result<hybrid::PublicKeyFile> read_hybrid_public_key(const fhe::frbgv::Ring& ring, const Path& path);
base::Result<hybrid::CiphertextFile> read_hybrid_ciphertexts(const fhe::frbgv::Ring& ring, const Path& path);

struct HybridFileSummary {
  hybrid::FileKind kind;
  hybrid::KeyHeader header;
  std::size_t file_bytes = 0;
  bool passphrase = false;                            // a secret key under one
  std::optional<hybrid::Digest> digest;               // of public keys and ciphertexts: what proofs name
  std::size_t records = 0, ciphertexts = 0, components = 0;
};
/// What a file of keys or ciphertexts holds.   Errors: those of the readers; kInvalidArgument for programs and specs.
base::Result<HybridFileSummary> inspect_hybrid_file(const Path& path);

struct LowerHybridRequest {
  Path model, out, spec;  // .bpm, .bpf, .bpc
  std::uint64_t evaluations = hybrid::kDefaultEvaluations;
};
struct LowerHybridOutcome {
  hybrid::Parameters parameters;
  int security_bits = 0;
  std::size_t features = 0, hidden = 0, outputs = 0, max_records = 0;
  std::size_t input_bytes = 0, output_bytes = 0;  // of encrypted batches
  std::size_t program_bytes = 0, spec_bytes = 0;
  double seconds = 0;
};
/// Errors: those of files and of hybrid::Program::create: what doesn't fit is refused with its figures.
base::Result<LowerHybridOutcome> lower_hybrid_model(const LowerHybridRequest& request);

struct HybridKeysOutcome {
  std::uint64_t t = 0;
  hybrid::KeyId key_id{};
  std::size_t secret_bytes = 0, public_bytes = 0;
  double seconds = 0;
};
/// secret.bpsk and public.bppk; there are no evaluation keys.   Errors: kInvalidArgument if one exists; kIo.
base::Result<HybridKeysOutcome> generate_hybrid_keys_for(const Path& spec, const Path& folder,
                                                         const std::optional<crypto::SecretBytes>& passphrase);

struct EncryptRecordsRequest {
  Path spec, keys, input, out;
  std::optional<std::size_t> index;  // one record of several; without it all
  hybrid::AskPassphrase ask_passphrase;
};
struct EncryptRecordsOutcome {
  std::size_t records = 0, features = 0, file_bytes = 0;
  double seconds = 0;
};
/// Values are rounded and clipped as the plain interpreter does.   Errors: kLimit for more records than slots.
base::Result<EncryptRecordsOutcome> encrypt_hybrid_input(const EncryptRecordsRequest& request);

struct HybridInferRequest {
  Path program, public_key, input, out;
  std::optional<Path> proof = {};  // where to write one; needs the model key
  Path model_key = {};
  base::Bytes context = {};        // of the proof
};
struct HybridInferOutcome {
  hybrid::Parameters parameters;
  std::size_t records = 0, file_bytes = 0;
  double load_seconds = 0, infer_seconds = 0;
  zkml::ModelId model{};           // the rest is of a proof
  std::size_t proof_bytes = 0;
  double prove_seconds = 0, check_seconds = 0;
};
/// Without a proof nothing shows the client what was evaluated. A proof is made and checked before either file is written.
/// Errors: kMismatch where program, key and input don't belong together; those of prove_answer.
base::Result<HybridInferOutcome> infer_hybrid(const HybridInferRequest& request);

struct DecryptRecordsRequest {
  Path spec, keys, input, out;
  hybrid::AskPassphrase ask_passphrase;
  bool unverified = false;         // to be said where there is no proof
  std::optional<Path> proof = {};  // of the answer; needs the next two
  Path model_key = {}, input_ciphertext = {};
  std::optional<base::Bytes> context = {};
};
struct DecryptRecordsOutcome {
  std::size_t records = 0;
  model::Shape shape;                     // with the records in front
  std::vector<double> values;             // after the finish
  std::vector<model::Int128> integers;    // before it
  std::vector<std::size_t> classes;       // one for each record, where outputs are scores
  int phase_bits = 0;                     // of the largest coefficient
  double seconds = 0;
};
/// Verifies the proof first; nothing is decrypted if it is refused.
/// Errors: kRejected without a proof unless `unverified`: decrypting what was never proven may tell a server about the key; kRejected, with
/// the check in the text, for a proof that is refused; those of files.
base::Result<DecryptRecordsOutcome> decrypt_hybrid_output(const DecryptRecordsRequest& request);

}  // namespace blindproof::engine

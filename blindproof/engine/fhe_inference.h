// Encrypted inference: the owner lowers a model, the client encrypts by its spec, a server evaluates, the client decrypts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blindproof/compiler/lower_fhe/lower_fhe.h"
#include "blindproof/engine/fhe_keys.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/fheml/exact_program.h"

namespace blindproof::engine {

inline constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 33;
inline constexpr std::size_t kMaxClientSpecBytes = std::size_t{1} << 24;

/// The error where privacy of the model is wanted, and the program was lowered without.
base::Error no_room_for_privacy(const Path& program);

base::Result<fheml::Program> read_program(const Path& path);
base::Result<fheml::ClientSpec> read_client_spec(const Path& path);

struct LowerRequest {
  Path model, out, spec;  // .bpm, .bpf, .bpc
  compiler::LowerFheOptions options;
  std::optional<fheml::ExactScheme> scheme = {};  // BFV or BGV, for a model of exact arithmetic; without: CKKS, of its float network
};
struct LowerOutcome {
  FheParameters parameters;
  std::vector<compiler::StepSummary> steps;
  std::size_t rotations = 0;
  bool relinearization = false;
  std::size_t key_bytes = 0, ciphertext_bytes = 0, weight_bytes = 0;  // evaluation keys; an encrypted input; encoded matrices
  std::size_t max_samples = 1;  // of a batch
  std::vector<std::uint64_t> plaintext_moduli = {};  // of BFV and BGV; outputs have at most so many bits
  int output_bits = 0;
  std::size_t program_bytes = 0, spec_bytes = 0;
  double seconds = 0;
};
/// Before anything is written: no sizes of files.
struct Lowered {
  compiler::LowerFheOutcome outcome;
  fhe::ckks::ContextPtr context;
  LowerOutcome summary;
};
/// Errors: those of files and of compiler::lower_fhe or lower_exact; kInvalidArgument for a model without its float network (CKKS).
base::Result<Lowered> lower_in_memory(const Path& model, const compiler::LowerFheOptions& options, const base::Progress& progress = {});
/// Errors: the same.
base::Result<LowerOutcome> lower_model(const LowerRequest& request, const base::Progress& progress = {});

/// The keys that a program needs.
base::Result<GenerateKeysOutcome> generate_keys_for(const Path& spec, const Path& folder,
                                                    const std::optional<crypto::SecretBytes>& passphrase,
                                                    const base::Progress& progress = {});

struct EncryptInputRequest {
  Path spec, keys, input, out;
  std::optional<std::size_t> index;  // one sample of several; without it a batch takes all
  fhe::formats::AskPassphrase ask_passphrase;
};
struct EncryptInputOutcome {
  FheParameters parameters;
  std::size_t samples = 1;
  std::size_t file_bytes = 0;
  double seconds = 0;
};
/// Errors: kLimit for more samples than slots; kInvalidArgument for another shape, or values beyond those that the model was calibrated on: its polynomials would be wrong there.
base::Result<EncryptInputOutcome> encrypt_input(const EncryptInputRequest& request);

struct InferRequest {
  Path program, evaluation_keys, input, out;  // program: .bpf or .bpfe
  Path public_key;                // for the flood; empty: public.bppk beside the evaluation keys
  bool no_model_privacy = false;  // no flood; must be said where the program has no room for one
  std::size_t weight_memory = fheml::kWeightMemory;  // for encoded weights that are kept ready; others are transformed in each run
};
struct InferOutcome {
  FheParameters parameters;
  std::size_t samples = 1;
  bool encrypted_model = false;
  double error_bound = 0;    // predicted, of the decrypted values
  int hiding_bits = 0;       // of the flood
  std::size_t file_bytes = 0;
  double load_seconds = 0, encode_seconds = 0, infer_seconds = 0;
};
/// Errors: kMismatch where program, keys and input don't belong together; kInvalidArgument for a program without room for a flood, unless
/// no_model_privacy; those of fheml::Executor.
base::Result<InferOutcome> infer(const InferRequest& request, const base::Progress& progress = {});

struct DecryptOutputRequest {
  Path spec, keys, input, out;
  fhe::formats::AskPassphrase ask_passphrase;
};
struct DecryptOutputOutcome {
  FheParameters parameters;
  model::Shape shape;          // with the samples in front, for a batch
  std::size_t samples = 1;
  std::vector<double> values{};  // after the finish
  std::vector<model::Int128> integers{};  // before it, of BFV and BGV
  std::vector<std::size_t> classes{};  // one for each sample, where outputs are scores
  double seconds = 0;
};
base::Result<DecryptOutputOutcome> decrypt_output(const DecryptOutputRequest& request);

}  // namespace blindproof::engine

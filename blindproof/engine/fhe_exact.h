// Encrypted inference on BFV and BGV: the integers of exact models, bit for bit. The functions of fhe_inference.h come here where the file
// says so; the client's and the server's part of one program without files are here too.
#pragma once

#include "blindproof/compiler/lower_fhe/lower_exact.h"
#include "blindproof/engine/fhe_inference.h"

namespace blindproof::engine {

base::Result<fheml::ExactProgram> read_exact_program(const Path& path);
base::Result<fheml::ExactClientSpec> read_exact_client_spec(const Path& path);

/// Whether a .bpf or .bpc is of BFV or BGV. False for anything that can't be read: its reader knows what to say.
bool is_exact_file(const Path& path);

// As those of fhe_inference.h, for exact programs.
/// Errors: those of files and of compiler::lower_exact.   Requires: request.scheme.
base::Result<LowerOutcome> lower_exact_model(const LowerRequest& request, const base::Progress& progress = {});
base::Result<GenerateKeysOutcome> generate_exact_keys_for(const Path& spec, const Path& folder,
                                                          const std::optional<crypto::SecretBytes>& passphrase,
                                                          const base::Progress& progress = {});
/// Values are rounded and clipped as the plain interpreter does.
base::Result<EncryptInputOutcome> encrypt_exact_input(const EncryptInputRequest& request);
base::Result<InferOutcome> infer_exact(const InferRequest& request, const base::Progress& progress = {});
/// Errors: also kRejected for results that no run of the program gives.
base::Result<DecryptOutputOutcome> decrypt_exact_output(const DecryptOutputRequest& request);

struct ExactInferenceRequest {
  const model::IntegerGraph* graph = nullptr;
  std::vector<std::vector<float>> inputs;  // one at least
  compiler::LowerExactOptions options;
};
/// Seconds of wall time, medians over the inputs; of a batch, all at once.
struct ExactInferenceOutcome {
  FheParameters parameters;
  fheml::ExactParameters exact;
  double lower_s = 0, key_generation_s = 0, encode_weights_s = 0;  // once
  double encrypt_s = 0, latency_s = 0, decrypt_s = 0;              // latency: the server's part, with the flood
  double plain_s = 0;                                              // the integer interpreter, for one input
  std::size_t batch = 1;                                           // inputs at once
  std::size_t key_bytes = 0, ciphertext_bytes = 0, output_bytes = 0, weight_bytes = 0;  // keys: for evaluation; input and output in files
  std::size_t equal = 0;                                           // inputs all of whose integers are the interpreter's
  std::vector<std::vector<model::Int128>> outputs{};               // decrypted
  std::vector<std::vector<double>> reals{};                        // after the finish
};
/// Lowers the graph, makes keys and runs the inputs one after the other, or as one batch, all in memory.   Errors: those of each step.
base::Result<ExactInferenceOutcome> run_exact_inference(const ExactInferenceRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

// Encrypted models: their owner encrypts a program's weights under the client's public key, for a server that shall see neither data nor weights.
#pragma once

#include "blindproof/engine/fhe_inference.h"
#include "blindproof/fheml/encrypted_program.h"

namespace blindproof::engine {

inline constexpr std::size_t kMaxEncryptedProgramBytes = std::size_t{1} << 40;  // mapped, not read

/// Whether a file is a program with encrypted weights (.bpfe). False for anything that can't be read: its reader knows what to say.
bool is_encrypted_program(const Path& path);

struct EncryptedModelSummary {
  FheParameters parameters;
  fhe::formats::KeyId key_id;  // of the client whose public key it is encrypted under
  model::Shape input_shape, output_shape;
  std::size_t ciphertexts = 0;
};
/// What a .bpfe says in the open. Its client's part goes to `spec`, a .bpc.
/// Errors: those of files and of fheml::EncryptedProgramFile::open.
base::Result<EncryptedModelSummary> read_encrypted_model(const Path& program, const Path& spec);

struct EncryptModelRequest {
  Path program, public_key, out;  // .bpf of CKKS, .bppk of the client, .bpfe
};
struct EncryptModelOutcome {
  FheParameters parameters;
  fhe::formats::KeyId key_id;
  std::size_t ciphertexts = 0, file_bytes = 0;
  double seconds = 0;  // without reading files
};
/// `infer` takes the result as it takes plain programs, with the same keys and inputs.
/// Errors: those of files and of fheml::encrypt_program; kMismatch for a public key of other parameters.
base::Result<EncryptModelOutcome> encrypt_model(const EncryptModelRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

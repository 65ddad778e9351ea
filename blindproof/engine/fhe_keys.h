// Homomorphic keys as a folder: secret.bpsk stays with its owner, public.bppk goes to those who encrypt, eval.bpek to those
// who compute.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blindproof/engine/files.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/public_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"

namespace blindproof::engine {

inline constexpr const char* kSecretKeyName = "secret.bpsk";
inline constexpr const char* kPublicKeyName = "public.bppk";
inline constexpr const char* kEvaluationKeysName = "eval.bpek";

inline constexpr std::size_t kMaxSecretKeyBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxPublicKeyBytes = std::size_t{1} << 27;
inline constexpr std::size_t kMaxCiphertextFileBytes = std::size_t{1} << 34;

/// A named set of any scheme.
struct FheParameters {
  std::string name, scheme, purpose;
  int security_bits = 0;
  std::size_t n = 0, slots = 0;
  std::size_t q_limbs = 0, p_limbs = 0, digits = 0;
  double log_q = 0, log_p = 0;
  std::uint64_t t = 0;                // 0 for CKKS
  std::size_t evaluation_key_bytes = 0;  // of one key
};
/// Builds each set: takes some seconds.
base::Result<std::vector<FheParameters>> list_fhe_parameters();
FheParameters describe(const fhe::formats::AnyContext& context);

struct GenerateKeysRequest {
  std::string parameters;  // a name
  Path folder;             // is made if it doesn't exist
  fhe::formats::EvaluationKeySelection evaluation;
  std::optional<crypto::SecretBytes> passphrase;
};

struct GenerateKeysOutcome {
  FheParameters parameters;
  fhe::formats::KeyId key_id;
  std::size_t evaluation_keys = 0;
  std::size_t secret_bytes = 0, public_bytes = 0, evaluation_bytes = 0;  // of the files
  double seconds = 0;
};

/// Errors: kInvalidArgument for unknown parameters, or if one of the three files exists: keys are never overwritten; kIo.
base::Result<GenerateKeysOutcome> generate_fhe_keys(const GenerateKeysRequest& request, const base::Progress& progress = {});
/// For this context, whatever the request's parameters.
base::Result<GenerateKeysOutcome> generate_fhe_keys(const fhe::formats::AnyContext& context, const GenerateKeysRequest& request,
                                                    const base::Progress& progress = {});

/// Of a folder of keys.   Errors: those of files, of the formats and of `ask`.
base::Result<fhe::formats::SecretKeyFile> read_secret_key(const Path& folder, fhe::formats::Contexts& contexts,
                                                          const fhe::formats::AskPassphrase& ask);
/// Errors: those of files and of the format.
base::Result<fhe::formats::PublicKeyFile> read_public_key(const Path& path, fhe::formats::Contexts& contexts);

struct FheFileSummary {
  fhe::formats::Kind kind;
  FheParameters parameters;
  fhe::formats::KeyId key_id;
  std::size_t file_bytes = 0;
  bool passphrase = false;                                         // a secret key under one
  std::vector<fhe::formats::EvaluationKeyEntry> evaluation_keys;
  std::vector<std::int64_t> rotations;                             // of evaluation_keys, in (-slots/2, slots/2]
  std::string content;                                             // ciphertexts: "program", "integers", "reals", "complex"
  std::vector<std::size_t> shape;
  std::size_t ciphertexts = 0;
};

/// What a file of keys or ciphertexts holds. Evaluation keys are checked by their table alone unless `check_all`.
base::Result<FheFileSummary> inspect_fhe_file(const Path& path, bool check_all, const base::Progress& progress = {});

}  // namespace blindproof::engine

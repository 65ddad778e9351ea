// Arrays to files of ciphertexts and back.
#pragma once

#include <optional>
#include <string>

#include "blindproof/engine/fhe_keys.h"

namespace blindproof::engine {

struct EncryptRequest {
  Path keys;                // folder
  std::string parameters;   // a name to insist on; "": those of the keys
  Path input, out;          // array, ciphertexts
  bool use_public_key = false;  // also where the folder has no secret key, under which files have half the bytes
  fhe::formats::AskPassphrase ask_passphrase;
};

struct EncryptOutcome {
  FheParameters parameters;
  std::vector<std::size_t> shape;
  std::size_t values = 0, ciphertexts = 0, file_bytes = 0;
  bool used_public_key = false;
  double seconds = 0;  // without reading keys and writing the file
};

/// Numbers of any type for CKKS, integers in (-t/2, t/2) for BFV and BGV.
/// Errors: those of files and arrays; kMismatch for keys of other parameters than asked for; kInvalidArgument for values that
/// don't fit.
base::Result<EncryptOutcome> encrypt_array(const EncryptRequest& request, const base::Progress& progress = {});

/// For results that will be shown to others (CKKS): what the program that computed them says of them.
struct ShareRequest {
  double max_value;     // of a slot
  double max_error;     // of a slot
  int bits = 64;        // of hiding: ckks::Sharing
  double queries = 1;   // ciphertexts under this key that will ever be shown decrypted
};

struct DecryptRequest {
  Path keys;
  std::string parameters;
  Path input, out;
  std::optional<ShareRequest> share;
  fhe::formats::AskPassphrase ask_passphrase;
};

struct DecryptOutcome {
  FheParameters parameters;
  std::vector<std::size_t> shape;
  bool integers = false;
  std::optional<double> shared_error;  // bound of a value's error, flood included
  double seconds = 0;
};

/// int64 for BFV and BGV, float64 for CKKS. The array is secret: mode 0600.
/// Errors: those of files; kMismatch for another key or other parameters; kUnsupported for ciphertexts of a program, whose slots
/// only its client's spec explains, and complex numbers; those of ckks::decrypt_to_share.
base::Result<DecryptOutcome> decrypt_array(const DecryptRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

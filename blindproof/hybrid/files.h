// Files of this level: keys, ciphertexts, programs, clients' specs. Formats: docs/spec/hybrid.md, "Files".
//
// Readers take any bytes: they check lengths before memory is taken, refuse values that aren't below r, and refuse what is damaged. The
// digest at the end of keys and ciphertexts is what proofs are about.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "blindproof/crypto/secret.h"
#include "blindproof/hybrid/program.h"
#include "blindproof/model/model_file.h"
#include "blindproof/secretbox/secretbox.h"

namespace blindproof::hybrid {

inline constexpr std::size_t kMaxCiphertexts = std::size_t{1} << 16;

enum class FileKind { kSecretKey, kPublicKey, kCiphertexts, kProgram, kSpec };
/// By the first bytes. Nothing for files of other levels.
std::optional<FileKind> kind_of(base::ByteSpan bytes);

/// Says which things belong to one secret key. Random, and no proof of anything.
using KeyId = std::array<std::uint8_t, 16>;
KeyId generate_key_id(crypto::Csprng& random);

struct KeyHeader {
  std::uint64_t t = 0;
  KeyId key_id{};
  friend bool operator==(const KeyHeader&, const KeyHeader&) = default;
};

/// `body` in leaves of 2^15 bytes, on all threads:
///   SHA-256(1 | length of header | header | SHA-256(0 | leaf_0) | SHA-256(0 | leaf_1) | ..)
Digest tree_digest(base::ByteSpan header, base::ByteSpan body);

struct SecretKeyFile {
  KeyHeader header;
  fhe::frbgv::SecretKey key;
};
/// Without a passphrase the bytes are the secret; the caller wipes them.   Errors: those of secretbox::seal.
base::Result<base::Bytes> write_secret_key(const KeyHeader& header, const fhe::frbgv::SecretKey& key, const crypto::SecretBytes* passphrase,
                                           const secretbox::Cost& cost = {});
/// `ask` is called if the key is protected.
using AskPassphrase = std::function<base::Result<crypto::SecretBytes>()>;
/// Errors: kMalformed, kUnsupported (version, another ring), those of `ask` and of secretbox::open.
base::Result<SecretKeyFile> parse_secret_key(const fhe::frbgv::RingPtr& ring, base::ByteSpan bytes, const AskPassphrase& ask);
struct SecretKeySummary {
  KeyHeader header;
  bool passphrase = false;  // the key is under one
};
/// Doesn't open the key.   Errors: kMalformed, kUnsupported (version, another ring).
base::Result<SecretKeySummary> inspect_secret_key(const fhe::frbgv::Ring& ring, base::ByteSpan bytes);

struct PublicKeyFile {
  KeyHeader header;
  fhe::frbgv::PublicKey key;
  Digest digest{};  // of the file
};
base::Bytes write_public_key(const KeyHeader& header, const fhe::frbgv::PublicKey& key);
/// Errors: kMalformed, kUnsupported (version, another ring).
base::Result<PublicKeyFile> parse_public_key(const fhe::frbgv::Ring& ring, base::ByteSpan bytes);

/// A batch: a ciphertext for each feature, or for each output.
struct CiphertextFile {
  KeyHeader header;
  std::size_t records = 0;
  std::optional<fhe::frbgv::Seed> seed;  // of inputs: component 1 of ciphertext d is expand_uniform(seed, d) and doesn't travel
  std::vector<Ciphertext> ciphertexts;   // of 2 components; of outputs 2 or 3
  Digest digest{};                       // of the file; set by the reader, ignored by the writer
};
/// Requires: ciphertexts of one ring and number of components, at least one and at most kMaxCiphertexts; 1 <= records <= N.
base::Bytes write_ciphertexts(const CiphertextFile& file);
/// Errors: kMalformed, kUnsupported (version, another ring), kLimit.
base::Result<CiphertextFile> parse_ciphertexts(const fhe::frbgv::Ring& ring, base::ByteSpan bytes);

/// The owner's, secret: the weights, and the blinding seed that the model was committed with.
struct ProgramFile {
  Program program;
  std::array<std::uint8_t, 32> blinding_seed{};
};
base::Bytes write_program(const ProgramFile& file);
/// Errors: kMalformed, kUnsupported, kLimit; those of Program::create.
base::Result<ProgramFile> parse_program(base::ByteSpan bytes);

base::Bytes write_spec(const Spec& spec);
/// Errors: kMalformed, kUnsupported, kLimit; those of Spec::create.
base::Result<Spec> parse_spec(base::ByteSpan bytes);

}  // namespace blindproof::hybrid

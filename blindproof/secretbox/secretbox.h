// Secrets at rest: authenticated encryption under a passphrase.
//
// Argon2id makes a key of the passphrase, XChaCha20-Poly1305 encrypts (libsodium does both). Layout of sealed bytes:
// docs/spec/fhe-files.md, "secret key".
#pragma once

#include "blindproof/base/result.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::secretbox {

/// What guessing a passphrase costs: passes over this much memory. One pass over 2^18 KiB takes about 0.2 s.
struct Cost {
  std::uint32_t passes = 3;
  std::uint32_t kib = 1u << 18;
};
inline constexpr std::uint32_t kMaxPasses = 16, kMinKib = 8, kMaxKib = 1u << 20;

/// `associated` isn't encrypted, but opening fails with any other.
/// Errors: kInvalidArgument for an empty passphrase or a cost out of range, kLimit if memory is short.
base::Result<base::Bytes> seal(const crypto::SecretBytes& passphrase, base::ByteSpan plaintext, base::ByteSpan associated,
                               const Cost& cost = {});

/// Errors: kMalformed; kLimit for a cost above the limits; kMismatch for another passphrase or altered bytes, which can't be
/// told apart.
base::Result<crypto::SecretBytes> open(const crypto::SecretBytes& passphrase, base::ByteSpan sealed,
                                       base::ByteSpan associated);

}  // namespace blindproof::secretbox

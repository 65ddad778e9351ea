// The primitives of envelopes, from OpenSSL 3: AES-256-GCM, AES key wrap, HKDF-SHA256, X25519.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "blindproof/base/result.h"
#include "blindproof/crypto/secret.h"

struct evp_cipher_ctx_st;

namespace blindproof::envelope {

using Key256 = crypto::Secret<std::array<std::uint8_t, 32>>;
using GcmNonce = std::array<std::uint8_t, 12>;
inline constexpr std::size_t kTagBytes = 16;

/// AES-256-GCM under one key, for many messages.
class AesGcm {
 public:
  explicit AesGcm(const Key256& key);
  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;
  ~AesGcm();

  /// Requires: out has plaintext.size() + kTagBytes bytes; no nonce twice.
  void seal(const GcmNonce& nonce, base::ByteSpan associated, base::ByteSpan plaintext, std::span<std::uint8_t> out);
  /// False, and zeros in `out`, unless the tag fits.
  /// Requires: out has sealed.size() - kTagBytes bytes.
  [[nodiscard]] bool open(const GcmNonce& nonce, base::ByteSpan associated, base::ByteSpan sealed, std::span<std::uint8_t> out);

 private:
  void restart(const GcmNonce& nonce, base::ByteSpan associated, bool encrypt);
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  Key256 key_;
};

/// Ref: RFC 3394.
std::array<std::uint8_t, 40> aes_key_wrap(const Key256& wrapping_key, const Key256& key);
/// Errors: kMismatch for another wrapping key or altered bytes.
base::Result<Key256> aes_key_unwrap(const Key256& wrapping_key, base::ByteSpan wrapped);

/// Ref: RFC 5869.   Requires: out.size() <= 64.
void hkdf_sha256(base::ByteSpan key, base::ByteSpan salt, base::ByteSpan info, std::span<std::uint8_t> out);

using X25519Public = std::array<std::uint8_t, 32>;
X25519Public x25519_public(const Key256& secret);
/// Errors: kMalformed for a public key of small order, whose shared secret everybody knows.
/// Ref: RFC 7748 section 6.1.
base::Result<Key256> x25519(const Key256& secret, const X25519Public& peer);

}  // namespace blindproof::envelope

#include "blindproof/secretbox/secretbox.h"

#include <sodium.h>

#include <array>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/crypto/random.h"

namespace blindproof::secretbox {
namespace {

using base::ErrorCode;

constexpr std::size_t kSaltBytes = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
using Key = crypto::Secret<std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_KEYBYTES>>;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "passphrase", std::move(detail)); }

base::Result<Key> derive(const crypto::SecretBytes& passphrase, base::ByteSpan salt, const Cost& cost) {
  BLINDPROOF_CHECK(sodium_init() >= 0, "libsodium can't be initialised");
  if (cost.passes < 1 || cost.passes > kMaxPasses || cost.kib < kMinKib || cost.kib > kMaxKib) {
    return failed(ErrorCode::kLimit, "asks for " + std::to_string(cost.passes) + " passes over " + std::to_string(cost.kib) +
                                         " KiB; allowed are 1 to " + std::to_string(kMaxPasses) + " over " +
                                         std::to_string(kMinKib) + " to " + std::to_string(kMaxKib));
  }
  Key key;
  auto& bytes = key.expose_mutable();
  if (crypto_pwhash(bytes.data(), bytes.size(), reinterpret_cast<const char*>(passphrase.expose().data()), passphrase.size(),
                    salt.data(), cost.passes, std::size_t{cost.kib} << 10, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return failed(ErrorCode::kLimit, "there is not enough memory for " + std::to_string(cost.kib) + " KiB");
  }
  return key;
}

}  // namespace

base::Result<base::Bytes> seal(const crypto::SecretBytes& passphrase, base::ByteSpan plaintext, base::ByteSpan associated,
                               const Cost& cost) {
  if (passphrase.size() == 0) return failed(ErrorCode::kInvalidArgument, "is empty");
  std::array<std::uint8_t, kSaltBytes> salt;
  std::array<std::uint8_t, kNonceBytes> nonce;
  crypto::random_bytes(salt);
  crypto::random_bytes(nonce);
  BLINDPROOF_ASSIGN(const Key key, derive(passphrase, salt, cost));
  base::ByteWriter writer;
  writer.u32(cost.passes);
  writer.u32(cost.kib);
  writer.raw(salt);
  writer.raw(nonce);
  base::Bytes box(plaintext.size() + kTagBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(box.data(), nullptr, plaintext.data(), plaintext.size(), associated.data(),
                                             associated.size(), nullptr, nonce.data(), key.expose().data());
  writer.raw(box);
  return std::move(writer).take();
}

base::Result<crypto::SecretBytes> open(const crypto::SecretBytes& passphrase, base::ByteSpan sealed,
                                       base::ByteSpan associated) {
  base::ByteReader reader(sealed, "passphrase");
  Cost cost;
  cost.passes = reader.u32();
  cost.kib = reader.u32();
  const base::ByteSpan salt = reader.raw(kSaltBytes), nonce = reader.raw(kNonceBytes);
  if (reader.ok() && reader.remaining() < kTagBytes) reader.fail("what it protects is cut off");
  BLINDPROOF_TRY(reader.status());
  const base::ByteSpan box = reader.raw(reader.remaining());
  BLINDPROOF_ASSIGN(const Key key, derive(passphrase, salt, cost));
  crypto::SecretBytes plaintext(box.size() - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext.expose_mutable().data(), nullptr, nullptr, box.data(), box.size(),
                                                 associated.data(), associated.size(), nonce.data(),
                                                 key.expose().data()) != 0) {
    return failed(ErrorCode::kMismatch, "is wrong, or the file was altered");
  }
  return plaintext;
}

}  // namespace blindproof::secretbox

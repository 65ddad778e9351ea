#include "blindproof/envelope/primitives.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <climits>

#include "blindproof/base/check.h"

namespace blindproof::envelope {
namespace {

template <auto function>
struct FreeWith {
  template <class T>
  void operator()(T* pointer) const noexcept {
    function(pointer);
  }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;

// OpenSSL fails in these calls for want of memory or of the algorithm, never because of the data.
void must(bool good) { BLINDPROOF_CHECK(good, "OpenSSL can't do AES-256, HKDF or X25519 here"); }

int size_of(base::ByteSpan bytes) {
  BLINDPROOF_CHECK(bytes.size() <= INT_MAX / 2, "a message for OpenSSL is at most 1 GiB");
  return static_cast<int>(bytes.size());
}

const std::uint8_t* data_of(base::ByteSpan bytes) {
  static constexpr std::uint8_t kNothing = 0;  // OpenSSL takes a null pointer as "no data yet"
  return bytes.empty() ? &kNothing : bytes.data();
}

PrivateKey private_key(const Key256& secret) {
  PrivateKey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.expose().data(), secret.expose().size()));
  must(key != nullptr);
  return key;
}

CipherContext wrap_context(const Key256& key, bool encrypt) {
  CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  must(EVP_CipherInit_ex(context.get(), EVP_aes_256_wrap(), nullptr, key.expose().data(), nullptr, encrypt) == 1);
  return context;
}

}  // namespace

void AesGcm::Free::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;
AesGcm::~AesGcm() = default;

AesGcm::AesGcm(const Key256& key) : context_(EVP_CIPHER_CTX_new()), key_(key.clone()) {
  must(context_ != nullptr);
  must(EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr, 1) == 1);
}

void AesGcm::restart(const GcmNonce& nonce, base::ByteSpan associated, bool encrypt) {
  must(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, key_.expose().data(), nonce.data(), encrypt) == 1);
  int written = 0;
  if (!associated.empty()) {
    must(EVP_CipherUpdate(context_.get(), nullptr, &written, associated.data(), size_of(associated)) == 1);
  }
}

void AesGcm::seal(const GcmNonce& nonce, base::ByteSpan associated, base::ByteSpan plaintext, std::span<std::uint8_t> out) {
  BLINDPROOF_CHECK(out.size() == plaintext.size() + kTagBytes, "sealed bytes are the plaintext's and a tag's");
  restart(nonce, associated, true);
  int written = 0;
  must(EVP_CipherUpdate(context_.get(), out.data(), &written, data_of(plaintext), size_of(plaintext)) == 1);
  must(EVP_CipherFinal_ex(context_.get(), out.data() + plaintext.size(), &written) == 1);
  must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, out.data() + plaintext.size()) == 1);
}

bool AesGcm::open(const GcmNonce& nonce, base::ByteSpan associated, base::ByteSpan sealed, std::span<std::uint8_t> out) {
  BLINDPROOF_CHECK(sealed.size() >= kTagBytes && out.size() == sealed.size() - kTagBytes, "sealed bytes are the plaintext's and a tag's");
  restart(nonce, associated, false);
  const base::ByteSpan encrypted = sealed.first(out.size());
  std::array<std::uint8_t, kTagBytes> tag;
  std::ranges::copy(sealed.last(kTagBytes), tag.begin());
  std::uint8_t nothing = 0;
  int written = 0;
  must(EVP_CipherUpdate(context_.get(), out.empty() ? &nothing : out.data(), &written, data_of(encrypted), size_of(encrypted)) == 1);
  must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_CipherFinal_ex(context_.get(), &nothing, &written) == 1) return true;
  crypto::wipe(out);
  return false;
}

std::array<std::uint8_t, 40> aes_key_wrap(const Key256& wrapping_key, const Key256& key) {
  const CipherContext context = wrap_context(wrapping_key, true);
  std::array<std::uint8_t, 48> out;  // the cipher may claim a block more than it writes
  int written = 0;
  must(EVP_CipherUpdate(context.get(), out.data(), &written, key.expose().data(), 32) == 1 && written == 40);
  std::array<std::uint8_t, 40> wrapped;
  std::copy_n(out.begin(), wrapped.size(), wrapped.begin());
  return wrapped;
}

base::Result<Key256> aes_key_unwrap(const Key256& wrapping_key, base::ByteSpan wrapped) {
  const base::Error mismatch = base::error(base::ErrorCode::kMismatch, "wrapped key", "is for another key, or was altered");
  if (wrapped.size() != 40) return mismatch;
  const CipherContext context = wrap_context(wrapping_key, false);
  crypto::Secret<std::array<std::uint8_t, 48>> out;
  int written = 0;
  if (EVP_CipherUpdate(context.get(), out.expose_mutable().data(), &written, wrapped.data(), 40) != 1 || written != 32) return mismatch;
  Key256 key;
  std::copy_n(out.expose().begin(), 32, key.expose_mutable().begin());
  return key;
}

void hkdf_sha256(base::ByteSpan key, base::ByteSpan salt, base::ByteSpan info, std::span<std::uint8_t> out) {
  const std::unique_ptr<EVP_KDF, FreeWith<EVP_KDF_free>> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  must(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeWith<EVP_KDF_CTX_free>> context(EVP_KDF_CTX_new(kdf.get()));
  must(context != nullptr);
  char digest[] = "SHA256";
  const auto octets = [](const char* name, base::ByteSpan bytes) {  // the library takes non-const pointers and doesn't write
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(data_of(bytes)), bytes.size());
  };
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0), octets(OSSL_KDF_PARAM_KEY, key),
                                   octets(OSSL_KDF_PARAM_SALT, salt), octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  must(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
}

X25519Public x25519_public(const Key256& secret) {
  const PrivateKey key = private_key(secret);
  X25519Public out;
  std::size_t size = out.size();
  must(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 && size == out.size());
  return out;
}

base::Result<Key256> x25519(const Key256& secret, const X25519Public& peer) {
  const PrivateKey own = private_key(secret);
  const PrivateKey other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()));
  must(other != nullptr);
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  must(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1);
  Key256 shared;
  std::size_t size = 32;
  if (EVP_PKEY_derive(context.get(), shared.expose_mutable().data(), &size) != 1 || size != 32) {
    return base::error(base::ErrorCode::kMalformed, "X25519 public key", "has small order");
  }
  return shared;
}

}  // namespace blindproof::envelope

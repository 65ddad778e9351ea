#include "blindproof/chain/ethereum_key.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "blindproof/base/check.h"
#include "blindproof/base/file.h"
#include "blindproof/chain/key_file.h"
#include "blindproof/crypto/random.h"

namespace blindproof::chain {
namespace {

constexpr std::size_t kMaxFile = 128;

// Blinded once, against side channels; afterwards it is only read.
const secp256k1_context* context() {
  static const secp256k1_context* const made = [] {
    secp256k1_context* fresh = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    std::array<std::uint8_t, 32> seed;
    crypto::random_bytes(seed);
    BLINDPROOF_CHECK(fresh != nullptr && secp256k1_context_randomize(fresh, seed.data()) == 1, "libsecp256k1 can't be initialised");
    return fresh;
  }();
  return made;
}

Address address_of(const secp256k1_pubkey& key) {
  std::array<std::uint8_t, 65> point;
  std::size_t size = point.size();
  secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
  const auto hash = crypto::keccak256(base::ByteSpan(point).subspan(1));
  Address address;
  std::copy(hash.begin() + 12, hash.end(), address.bytes.begin());
  return address;
}

}  // namespace

base::Bytes EthereumSignature::packed() const {
  base::Bytes bytes(r.begin(), r.end());
  bytes.insert(bytes.end(), s.begin(), s.end());
  bytes.push_back(static_cast<std::uint8_t>(27 + y_parity));
  return bytes;
}

base::Result<EthereumSignature> EthereumSignature::parse(base::ByteSpan packed, std::string_view place) {
  if (packed.size() != 65 || (packed[64] != 27 && packed[64] != 28)) {
    return base::error(base::ErrorCode::kMalformed, std::string(place), "must be a signature of 65 bytes: r, s, and v = 27 or 28");
  }
  EthereumSignature signature;
  std::copy_n(packed.begin(), 32, signature.r.begin());
  std::copy_n(packed.begin() + 32, 32, signature.s.begin());
  signature.y_parity = static_cast<std::uint8_t>(packed[64] - 27);
  return signature;
}

EthereumKey EthereumKey::generate() {
  while (true) {  // all but one of 2^128 tries end at once
    auto key = from_bytes(crypto::random_seed());
    if (key.ok()) return *std::move(key);
  }
}

base::Result<EthereumKey> EthereumKey::from_bytes(const crypto::Secret<std::array<std::uint8_t, 32>>& bytes) {
  secp256k1_pubkey point;
  if (secp256k1_ec_seckey_verify(context(), bytes.expose().data()) != 1 ||
      secp256k1_ec_pubkey_create(context(), &point, bytes.expose().data()) != 1) {
    return base::error(base::ErrorCode::kInvalidArgument, "Ethereum key", "is no secp256k1 key: 0, or not below the group order");
  }
  EthereumKey key;
  key.key_ = bytes.clone();
  key.address_ = address_of(point);
  return key;
}

base::Result<EthereumKey> EthereumKey::parse(base::ByteSpan text, std::string_view place) {
  const auto malformed = [&] {
    return base::error(base::ErrorCode::kMalformed, std::string(place), "must hold an Ethereum key: 64 hexadecimal digits");
  };
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text = text.first(text.size() - 1);
  if (text.size() > 2 && text[0] == '0' && text[1] == 'x') text = text.subspan(2);
  if (text.size() != 64) return malformed();
  crypto::Secret<std::array<std::uint8_t, 32>> bytes;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint8_t c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit) return malformed();
    auto& byte = bytes.expose_mutable()[i / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | ((c & 15) + 9 * (c >> 6)));
  }
  return from_bytes(bytes);
}

base::Result<EthereumKey> EthereumKey::read(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const crypto::SecretBytes text, read_secret_file(path, kMaxFile));
  return parse(text.expose(), path.string());
}

base::Result<EthereumKey> EthereumKey::from_environment(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return base::error(base::ErrorCode::kInvalidArgument, variable, "is not set");
  return parse(base::as_bytes(std::string_view(text, ::strnlen(text, kMaxFile + 1))), variable);
}

base::Status EthereumKey::write(const std::filesystem::path& path) const {
  crypto::SecretBytes text(67);
  auto out = text.expose_mutable().begin();
  *out++ = '0';
  *out++ = 'x';
  for (const std::uint8_t byte : key_.expose()) {
    for (const int shift : {4, 0}) {
      const int digit = byte >> shift & 15;
      *out++ = static_cast<std::uint8_t>('0' + digit + (('a' - '0' - 10) & ((9 - digit) >> 8)));
    }
  }
  *out = '\n';
  return base::write_file_atomic(path, text.expose(), base::FileMode::kSecret, base::Overwrite::kRefuse);
}

EthereumSignature EthereumKey::sign(const Digest256& digest) const {
  secp256k1_ecdsa_recoverable_signature signature;
  const int good = secp256k1_ecdsa_sign_recoverable(context(), &signature, digest.data(), key_.expose().data(), nullptr, nullptr);
  BLINDPROOF_CHECK(good == 1, "signing with a valid key succeeds");
  std::array<std::uint8_t, 64> compact;
  int recovery = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &recovery, &signature);
  BLINDPROOF_CHECK(recovery < 2, "r is below the field's prime and the group order");  // otherwise with probability 2^-127
  EthereumSignature out;
  std::copy_n(compact.begin(), 32, out.r.begin());
  std::copy_n(compact.begin() + 32, 32, out.s.begin());
  out.y_parity = static_cast<std::uint8_t>(recovery);
  return out;
}

base::Result<Address> recover_signer(const Digest256& digest, const EthereumSignature& signature) {
  const auto rejected = [](std::string detail) {
    return base::error(base::ErrorCode::kRejected, "secp256k1 signature", std::move(detail));
  };
  std::array<std::uint8_t, 64> compact;
  std::ranges::copy(signature.r, compact.begin());
  std::ranges::copy(signature.s, compact.begin() + 32);
  secp256k1_ecdsa_signature plain;
  secp256k1_ecdsa_recoverable_signature recoverable;
  secp256k1_pubkey key;
  if (signature.y_parity > 1 || secp256k1_ecdsa_signature_parse_compact(context(), &plain, compact.data()) != 1 ||
      secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &recoverable, compact.data(), signature.y_parity) != 1) {
    return rejected("its values are out of range");
  }
  if (secp256k1_ecdsa_signature_normalize(context(), nullptr, &plain) == 1)
    return rejected("s is above half the group order: it was altered after signing");
  if (secp256k1_ecdsa_recover(context(), &key, &recoverable, digest.data()) != 1) return rejected("is no key's");
  return address_of(key);
}

}  // namespace blindproof::chain

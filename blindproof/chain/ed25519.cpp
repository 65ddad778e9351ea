#include "blindproof/chain/ed25519.h"

#include <sodium.h>

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/file.h"
#include "blindproof/chain/key_file.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::chain {
namespace {

constexpr std::string_view kSecretTag = "blindproof-ed25519-secret ", kPublicTag = "blindproof-ed25519-public ";
constexpr std::size_t kMaxKeyId = 64, kMaxFile = 256, kDigits = 64;

void start_sodium() { BLINDPROOF_CHECK(sodium_init() >= 0, "libsodium can't be initialised"); }

std::string default_key_id(const std::array<std::uint8_t, 32>& point) {
  return base::to_hex(base::ByteSpan(crypto::sha256(point)).first(16));
}

// The parts of "TAG KEY_ID DIGITS\n".
struct Line {
  std::string_view key_id, digits;
};
base::Result<Line> split(std::string_view text, std::string_view tag, std::string_view place) {
  const auto malformed = [&](const char* detail) { return base::error(base::ErrorCode::kMalformed, std::string(place), detail); };
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.starts_with(tag)) {
    return malformed(tag == kSecretTag ? "is no Ed25519 secret key as `receipt key` writes it"
                                       : "is no Ed25519 public key as `receipt key` writes it");
  }
  text.remove_prefix(tag.size());
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || !is_key_id(text.substr(0, space))) return malformed("has no key id");
  const Line line{text.substr(0, space), text.substr(space + 1)};
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (line.digits.size() != kDigits || !std::ranges::all_of(line.digits, is_digit))
    return malformed("does not hold 64 lower-case hexadecimal digits");
  return line;
}

// Without a table: the time to read a secret must not depend on its digits.
std::uint8_t nibble(char digit) {
  const auto c = static_cast<std::uint32_t>(static_cast<std::uint8_t>(digit));
  return static_cast<std::uint8_t>((c & 15) + 9 * (c >> 6));
}

template <class Array>
void read_digits(std::string_view digits, Array& out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
}

}  // namespace

bool is_key_id(std::string_view text) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxKeyId && std::ranges::all_of(text, allowed);
}

bool Ed25519PublicKey::verify(base::ByteSpan message, const Ed25519Signature& signature) const {
  start_sodium();
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), point.data()) == 0;
}

base::Result<Ed25519SecretKey> Ed25519SecretKey::generate(std::string_view key_id) { return from_seed(crypto::random_seed(), key_id); }

base::Result<Ed25519SecretKey> Ed25519SecretKey::from_seed(const crypto::SecretSeed& seed, std::string_view key_id) {
  if (!key_id.empty() && !is_key_id(key_id)) {
    return base::error(base::ErrorCode::kInvalidArgument, "key id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
  }
  start_sodium();
  Ed25519SecretKey key;
  crypto_sign_seed_keypair(key.public_key_.point.data(), key.key_.expose_mutable().data(), seed.expose().data());
  key.public_key_.key_id = key_id.empty() ? default_key_id(key.public_key_.point) : std::string(key_id);
  return key;
}

Ed25519Signature Ed25519SecretKey::sign(base::ByteSpan message) const {
  Ed25519Signature signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key_.expose().data());
  return signature;
}

base::Status Ed25519SecretKey::write(const std::filesystem::path& path) const {
  crypto::SecretBytes text(kSecretTag.size() + public_key_.key_id.size() + 1 + kDigits + 1);
  auto out = text.expose_mutable().begin();
  out = std::ranges::copy(kSecretTag, out).out;
  out = std::ranges::copy(public_key_.key_id, out).out;
  *out++ = ' ';
  for (const std::uint8_t byte : std::span(key_.expose()).first(32)) {
    for (const int shift : {4, 0}) {
      const int digit = byte >> shift & 15;
      *out++ = static_cast<std::uint8_t>('0' + digit + (('a' - '0' - 10) & ((9 - digit) >> 8)));
    }
  }
  *out = '\n';
  return base::write_file_atomic(path, text.expose(), base::FileMode::kSecret, base::Overwrite::kRefuse);
}

base::Result<Ed25519SecretKey> Ed25519SecretKey::read(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const crypto::SecretBytes text, read_secret_file(path, kMaxFile));
  BLINDPROOF_ASSIGN(const Line line, split({reinterpret_cast<const char*>(text.expose().data()), text.size()}, kSecretTag, path.string()));
  crypto::SecretSeed seed;
  read_digits(line.digits, seed.expose_mutable());
  return from_seed(seed, line.key_id);
}

base::Result<Ed25519PublicKey> parse_public_key(base::ByteSpan bytes, std::string_view place) {
  if (bytes.size() > kMaxFile) return base::error(base::ErrorCode::kLimit, std::string(place), "is too long for a public key");
  BLINDPROOF_ASSIGN(const Line line, split({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kPublicTag, place));
  Ed25519PublicKey key;
  key.key_id = line.key_id;
  read_digits(line.digits, key.point);
  return key;
}

std::string write_public_key(const Ed25519PublicKey& key) {
  return std::string(kPublicTag) + key.key_id + " " + base::to_hex(key.point) + "\n";
}

}  // namespace blindproof::chain

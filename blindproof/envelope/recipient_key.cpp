#include "blindproof/envelope/recipient_key.h"

#include <algorithm>

#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/base/base64url.h"

namespace blindproof::envelope {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxJwkBytes = 4096;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "recipient key", std::move(detail)); }

/// A JWK's member of 32 bytes.
base::Result<std::array<std::uint8_t, 32>> member(const Json& jwk, const char* name) {
  const auto found = jwk.find(name);
  if (found == jwk.end() || !found->is_string()) return failed(ErrorCode::kMalformed, std::string("has no \"") + name + '"');
  const auto bytes = base::from_base64url(found->get_ref<const std::string&>());
  if (!bytes.ok() || bytes->size() != 32) return failed(ErrorCode::kMalformed, std::string("\"") + name + "\" isn't 32 bytes in base64url");
  std::array<std::uint8_t, 32> out;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

base::Status check_type(const Json& jwk) {
  if (!jwk.is_object()) return failed(ErrorCode::kMalformed, "is no JSON object");
  if (jwk.value("kty", Json()) != "OKP" || jwk.value("crv", Json()) != "X25519") {
    return failed(ErrorCode::kUnsupported, "must have kty \"OKP\" and crv \"X25519\"");
  }
  return {};
}

}  // namespace

std::string RecipientKey::id() const {
  const std::string canonical = R"({"crv":"X25519","kty":"OKP","x":")" + base::to_base64url(x) + "\"}";
  return base::to_base64url(crypto::sha256(base::as_bytes(canonical)));
}

Json RecipientKey::jwk() const {
  return {{"kty", "OKP"}, {"crv", "X25519"}, {"x", base::to_base64url(x)}, {"kid", id()}, {"alg", "ECDH-ES+A256KW"}, {"use", "enc"}};
}

base::Result<RecipientKey> parse_recipient_key(const Json& jwk) {
  BLINDPROOF_TRY(check_type(jwk));
  if (jwk.contains("d")) return failed(ErrorCode::kInvalidArgument, "is a private key; give the public one, without \"d\"");
  BLINDPROOF_ASSIGN(const X25519Public x, member(jwk, "x"));
  return RecipientKey{x};
}

RecipientSecretKey::RecipientSecretKey(Key256 secret) : secret_(std::move(secret)), recipient_{x25519_public(secret_)} {}

RecipientSecretKey RecipientSecretKey::generate() {
  Key256 secret;
  crypto::random_bytes(secret.expose_mutable());
  return RecipientSecretKey(std::move(secret));
}

base::Status RecipientSecretKey::write(const std::filesystem::path& path) const {
  // By hand, since a JSON value would leave copies behind.
  const std::string x = base::to_base64url(recipient_.x);
  std::string d = base::to_base64url(secret_.expose());
  std::string text;
  text.reserve(256);
  text += R"({"kty":"OKP","crv":"X25519","x":")" + x + R"(","d":")";
  text += d;
  text += "\"}\n";
  const base::Status status = base::write_file_atomic(path, base::as_bytes(text), base::FileMode::kSecret, base::Overwrite::kRefuse);
  for (std::string* secret : {&d, &text}) crypto::wipe({reinterpret_cast<std::uint8_t*>(secret->data()), secret->size()});
  return status;
}

base::Result<RecipientSecretKey> RecipientSecretKey::read(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(base::Bytes text, base::read_file(path, kMaxJwkBytes));
  const base::Result<Json> jwk = parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxJwkBytes);
  crypto::wipe(text);
  BLINDPROOF_TRY(jwk);
  BLINDPROOF_TRY(check_type(*jwk));
  BLINDPROOF_ASSIGN(const auto d, member(*jwk, "d"));
  BLINDPROOF_ASSIGN(const X25519Public x, member(*jwk, "x"));
  RecipientSecretKey key{Key256(d)};
  if (key.recipient().x != x) return failed(ErrorCode::kMismatch, "has a public half that isn't its secret's");
  return key;
}

}  // namespace blindproof::envelope

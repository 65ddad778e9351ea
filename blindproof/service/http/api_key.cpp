#include "blindproof/service/http/api_key.h"

#include <array>

#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/base/base64url.h"

namespace blindproof::service::http {
namespace {

constexpr std::string_view kPrefix = "bpkey_";
constexpr std::size_t kIdSize = 26, kSecretSize = 43;

constexpr std::pair<std::string_view, std::uint32_t> kScopes[] = {
    {"read", store::kScopeRead}, {"infer", store::kScopeInfer}, {"models", store::kScopeModels}, {"admin", store::kScopeAdmin}};

}  // namespace

NewApiKey make_api_key(const std::string& tenant, const std::string& label, std::uint32_t scopes, store::TimeMs now, store::TimeMs expires_ms) {
  std::array<std::uint8_t, 32> secret;
  crypto::random_bytes(secret);
  store::ApiKey record{store::make_id(now), tenant, label, crypto::sha256(secret), scopes, now, expires_ms, 0};
  std::string text = std::string(kPrefix) + record.id + "_" + base::to_base64url(secret);
  crypto::wipe(secret);
  return {std::move(record), std::move(text)};
}

base::Result<std::optional<store::ApiKey>> authenticate(store::Store& store, std::string_view authorization, store::TimeMs now) {
  const std::optional<store::ApiKey> nobody;
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return nobody;
  std::string_view text = authorization.substr(kScheme.size());
  if (text.size() != kPrefix.size() + kIdSize + 1 + kSecretSize || !text.starts_with(kPrefix) || text[kPrefix.size() + kIdSize] != '_') return nobody;
  const std::string id(text.substr(kPrefix.size(), kIdSize));
  const auto secret = base::from_base64url(text.substr(kPrefix.size() + kIdSize + 1));
  if (!store::is_id(id) || !secret.ok() || secret->size() != 32) return nobody;
  BLINDPROOF_ASSIGN(std::optional<store::ApiKey> key, store.api_key(id));
  const crypto::Digest256 hash = crypto::sha256(*secret);
  if (!key || !crypto::constant_time_equal(hash, key->secret_hash)) return nobody;
  if (key->revoked_ms != 0 || (key->expires_ms != 0 && key->expires_ms <= now)) return nobody;
  return key;
}

std::optional<std::uint32_t> parse_scopes(const std::vector<std::string>& names) {
  std::uint32_t scopes = 0;
  for (const std::string& name : names) {
    bool known = false;
    for (const auto& [word, bit] : kScopes) {
      if (name != word) continue;
      scopes |= bit;
      known = true;
    }
    if (!known) return std::nullopt;
  }
  return scopes;
}

std::vector<std::string> scope_names(std::uint32_t scopes) {
  std::vector<std::string> names;
  for (const auto& [word, bit] : kScopes) {
    if ((scopes & bit) != 0) names.emplace_back(word);
  }
  return names;
}

}  // namespace blindproof::service::http

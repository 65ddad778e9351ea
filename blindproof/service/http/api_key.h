// API keys as text: "bpkey_ID_SECRET". The store keeps the secret's hash; a secret of 256 random bits needs no slow one.
#pragma once

#include <optional>
#include <string>

#include "blindproof/service/store/store.h"

namespace blindproof::service::http {

struct NewApiKey {
  store::ApiKey record;
  std::string text;  // shown once
};
NewApiKey make_api_key(const std::string& tenant, const std::string& label, std::uint32_t scopes, store::TimeMs now, store::TimeMs expires_ms);

/// The key of an Authorization header, if it exists and is in force. One outcome for all that is wrong with it.
base::Result<std::optional<store::ApiKey>> authenticate(store::Store& store, std::string_view authorization, store::TimeMs now);

/// "read,infer"; nothing for an unknown word.
std::optional<std::uint32_t> parse_scopes(const std::vector<std::string>& names);
std::vector<std::string> scope_names(std::uint32_t scopes);

}  // namespace blindproof::service::http

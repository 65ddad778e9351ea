// The API server's own secret keys: for what it keeps for its users, and for the receipts that it signs.
#pragma once

#include <filesystem>

#include "blindproof/chain/ed25519.h"
#include "blindproof/envelope/recipient_key.h"

namespace blindproof::service::http {

struct ServerKeys {
  envelope::RecipientSecretKey storage;  // opens proofs, results and receipts
  chain::Ed25519SecretKey receipts;
};

/// Of a data folder that was opened before: DIR/keys/server.jwk, and DIR/keys/receipts.key, which is made if it isn't there.
/// Errors: those of reading and writing keys.
base::Result<ServerKeys> open_server_keys(const std::filesystem::path& root);

}  // namespace blindproof::service::http

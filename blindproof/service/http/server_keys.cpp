#include "blindproof/service/http/server_keys.h"

#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::service::http {

base::Result<ServerKeys> open_server_keys(const std::filesystem::path& root) {
  const std::filesystem::path file = root / "keys/receipts.key";
  if (!std::filesystem::exists(file)) {
    BLINDPROOF_ASSIGN(const auto made, chain::Ed25519SecretKey::generate());
    const base::Status written = made.write(file);
    if (!written.ok() && !std::filesystem::exists(file)) return written.error();  // another process may have been quicker
  }
  BLINDPROOF_ASSIGN(auto receipts, chain::Ed25519SecretKey::read(file));
  BLINDPROOF_ASSIGN(auto storage, jobs::read_server_key(root));
  return ServerKeys{std::move(storage), std::move(receipts)};
}

}  // namespace blindproof::service::http

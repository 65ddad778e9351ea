#include "blindproof/service/jobs/data_folder.h"

#include <chrono>

#include "blindproof/service/store/sqlite_store.h"

namespace blindproof::service::jobs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecretKey = "keys/worker.jwk";
constexpr const char* kPublicKey = "keys/worker.pub.jwk";
constexpr std::size_t kMaxKeyBytes = 4096;

base::Result<envelope::RecipientKey> worker_key(const fs::path& root) {
  if (!fs::exists(root / kPublicKey)) {
    // Two processes may start at once: the first secret key stays, and both derive the same public one.
    if (!fs::exists(root / kSecretKey)) {
      const base::Status written = envelope::RecipientSecretKey::generate().write(root / kSecretKey);
      if (!written.ok() && !fs::exists(root / kSecretKey)) return written.error();
    }
    BLINDPROOF_ASSIGN(const auto secret, envelope::RecipientSecretKey::read(root / kSecretKey));
    BLINDPROOF_TRY(base::write_file_atomic(root / kPublicKey, base::as_bytes(secret.recipient().jwk().dump() + "\n")));
  }
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(root / kPublicKey, kMaxKeyBytes));
  BLINDPROOF_ASSIGN(const envelope::Json jwk, envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxKeyBytes));
  return envelope::parse_recipient_key(jwk);
}

}  // namespace

base::Result<DataFolder> open_data_folder(const fs::path& root) {
  std::error_code code;
  const bool made = fs::create_directories(root, code);
  if (!code && made) fs::permissions(root, fs::perms::owner_all, code);
  if (!code) fs::create_directories(root / "keys", code);
  if (code) return base::error(base::ErrorCode::kIo, root.string(), "can't be used as data folder: " + code.message());
  BLINDPROOF_ASSIGN(const envelope::RecipientKey worker, worker_key(root));
  BLINDPROOF_ASSIGN(store::BlobFolder blobs, store::BlobFolder::open(root / "blobs"));
  BLINDPROOF_ASSIGN(std::unique_ptr<store::Store> database, store::open_sqlite_store(root / "blindproof.sqlite"));
  return DataFolder{root, std::move(database), std::move(blobs), worker};
}

base::Result<envelope::RecipientSecretKey> read_worker_key(const fs::path& root) { return envelope::RecipientSecretKey::read(root / kSecretKey); }

std::string model_context(const std::string& model) { return "blindproof model " + model; }
std::string input_context(const std::string& job) { return "blindproof input of job " + job; }
std::string opening_context(const std::string& job) { return "blindproof opening of job " + job; }

store::TimeMs now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace blindproof::service::jobs

#include "blindproof/service/jobs/data_folder.h"

#include <chrono>

#include "blindproof/service/store/sql_store.h"

namespace blindproof::service::jobs {
namespace {

namespace fs = std::filesystem;

constexpr const char *kWorker = "worker", *kServer = "server";
constexpr std::size_t kMaxKeyBytes = 4096;

fs::path secret_key(const fs::path& root, const char* whose) { return root / "keys" / (std::string(whose) + ".jwk"); }
fs::path public_key(const fs::path& root, const char* whose) { return root / "keys" / (std::string(whose) + ".pub.jwk"); }

base::Result<envelope::RecipientKey> recipient_key(const fs::path& root, const char* whose) {
  const fs::path secret_file = secret_key(root, whose), public_file = public_key(root, whose);
  if (!fs::exists(public_file)) {
    // Two processes may start at once: the first secret key stays, and both derive the same public one.
    if (!fs::exists(secret_file)) {
      const base::Status written = envelope::RecipientSecretKey::generate().write(secret_file);
      if (!written.ok() && !fs::exists(secret_file)) return written.error();
    }
    BLINDPROOF_ASSIGN(const auto secret, envelope::RecipientSecretKey::read(secret_file));
    BLINDPROOF_TRY(base::write_file_atomic(public_file, base::as_bytes(secret.recipient().jwk().dump() + "\n")));
  }
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(public_file, kMaxKeyBytes));
  BLINDPROOF_ASSIGN(const envelope::Json jwk, envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxKeyBytes));
  return envelope::parse_recipient_key(jwk);
}

}  // namespace

base::Result<DataFolder> open_data_folder(const fs::path& root, const std::string& database_address) {
  std::error_code code;
  const bool made = fs::create_directories(root, code);
  if (!code && made) fs::permissions(root, fs::perms::owner_all, code);
  if (!code) fs::create_directories(root / "keys", code);
  if (code) return base::error(base::ErrorCode::kIo, root.string(), "can't be used as data folder: " + code.message());
  BLINDPROOF_ASSIGN(const envelope::RecipientKey worker, recipient_key(root, kWorker));
  BLINDPROOF_ASSIGN(const envelope::RecipientKey server, recipient_key(root, kServer));
  BLINDPROOF_ASSIGN(store::BlobFolder blobs, store::BlobFolder::open(root / "blobs"));
  BLINDPROOF_ASSIGN(std::unique_ptr<store::Store> database, database_address.empty() ? store::open_sqlite_store(root / "blindproof.sqlite")
                                                                                        : store::open_postgresql_store(database_address));
  return DataFolder{root, std::move(database), std::move(blobs), worker, server};
}

base::Result<envelope::RecipientSecretKey> read_worker_key(const fs::path& root) { return envelope::RecipientSecretKey::read(secret_key(root, kWorker)); }
base::Result<envelope::RecipientSecretKey> read_server_key(const fs::path& root) { return envelope::RecipientSecretKey::read(secret_key(root, kServer)); }

std::string model_context(const std::string& model) { return "blindproof model " + model; }
std::string input_context(const std::string& job) { return "blindproof input of job " + job; }
std::string opening_context(const std::string& job) { return "blindproof opening of job " + job; }
std::string proof_context(const std::string& job) { return "blindproof proof of job " + job; }
std::string result_context(const std::string& job) { return "blindproof result of job " + job; }
std::string receipt_context(const std::string& job) { return "blindproof receipt of job " + job; }

store::TimeMs now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace blindproof::service::jobs

// Where a service keeps everything: database, blobs, keys.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "blindproof/envelope/recipient_key.h"
#include "blindproof/service/store/blobs.h"
#include "blindproof/service/store/store.h"

namespace blindproof::service::jobs {

struct DataFolder {
  std::filesystem::path root;
  std::unique_ptr<store::Store> store;
  store::BlobFolder blobs;
  envelope::RecipientKey worker;  // whom models and inputs are encrypted for
  envelope::RecipientKey server;  // whom proofs, results and receipts are encrypted for
};

/// Makes what isn't there, the keys of worker and server included. The folder is its owner's alone (mode 0700).
/// `database_address`: of store::open_postgresql_store; "" for a SQLite file in the folder.
/// Errors: kIo; those of the store and of keys.
base::Result<DataFolder> open_data_folder(const std::filesystem::path& root, const std::string& database_address = {});

/// For workers alone: the API server never calls it.
base::Result<envelope::RecipientSecretKey> read_worker_key(const std::filesystem::path& root);
/// For the API server alone.
base::Result<envelope::RecipientSecretKey> read_server_key(const std::filesystem::path& root);

/// What key envelopes are bound to.
std::string model_context(const std::string& model);
std::string input_context(const std::string& job);
std::string opening_context(const std::string& job);
std::string proof_context(const std::string& job);
std::string result_context(const std::string& job);
std::string receipt_context(const std::string& job);

store::TimeMs now_ms();

}  // namespace blindproof::service::jobs

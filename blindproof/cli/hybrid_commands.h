// What the commands on encrypted data do with files of the hybrid level.
#pragma once

#include "blindproof/cli/session.h"
#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/hybrid_proof.h"

namespace blindproof::cli {

int lower_hybrid(const Session& session, const engine::LowerHybridRequest& request);
int generate_hybrid_keys(const Session& session, const engine::Path& spec, const engine::Path& folder,
                         const std::optional<crypto::SecretBytes>& passphrase);
int inspect_hybrid(const Session& session, const engine::Path& file);
int encrypt_hybrid(const Session& session, const engine::EncryptRecordsRequest& request);
int infer_hybrid(const Session& session, const engine::HybridInferRequest& request);
int decrypt_hybrid(const Session& session, const engine::DecryptRecordsRequest& request);
int verify_hybrid(const Session& session, const engine::VerifyAnswerRequest& request);

/// `bench hybrid`.
void add_hybrid_bench(CLI::App& bench, Session& session);

}  // namespace blindproof::cli

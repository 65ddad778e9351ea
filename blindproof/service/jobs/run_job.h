// What each kind of job does, from the store's blobs to its outcome.
#pragma once

#include <filesystem>

#include "blindproof/base/progress.h"
#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::service::jobs {

inline constexpr const char* kRegister = "register";  // model to model key, and to homomorphic programs if "fhe" or "hybrid" are among its levels
inline constexpr const char* kProve = "zkml";         // input to output and proof
inline constexpr const char* kAddGroth16 = "groth16";  // circuit and proving key of a version: tried out, then its jobs can be proven with them
inline constexpr const char* kEvaluate = "fhe";       // ciphertext to ciphertext
inline constexpr const char* kGroth16Level = "groth16";  // of such proofs' records
inline constexpr const char* kEvaluateProven = "hybrid";  // ciphertext to ciphertext and proof

/// `scratch` is an empty folder of this job's own, for decrypted files. Errors name what was wrong without paths of this machine:
/// they are shown to whoever asked.
/// Errors: kIo and kLimit may pass; any other would come again.
base::Result<store::JobOutcome> run_job(const DataFolder& data, const envelope::RecipientSecretKey& key, const std::string& worker,
                                        const store::Job& job, const std::filesystem::path& scratch, const base::Progress& progress);

}  // namespace blindproof::service::jobs

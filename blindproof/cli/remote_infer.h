// Inference by a service with a client's own keys: encrypt here, wait, verify here, decrypt here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "blindproof/base/progress.h"
#include "blindproof/cli/session.h"
#include "blindproof/model/shape.h"
#include "blindproof/service/client/client.h"

namespace blindproof::cli {

struct RemoteInference {
  std::string model, level, version, context;
  std::filesystem::path input;
  std::optional<std::size_t> index;
  std::optional<std::filesystem::path> proof, model_key;   // where to write the proof; what to verify it against
  std::string proof_system;                                // of zkml: "groth16" or, if empty, "sumcheck"
  std::optional<std::filesystem::path> public_values, verification_key;  // of groth16, beside the proof; instead of the model key
  bool allow_development = false;                          // of that key
  bool show_input = false;                                 // of zkml: the proof has the input's values
  std::filesystem::path spec, keys, out;                   // of the others
  std::string server_keys;
  std::optional<std::filesystem::path> passphrase_file;
};

/// Errors: those of the service and of engine; kRejected for a job that failed, or a proof that isn't of this answer.
base::Result<Json> infer_remotely(service::client::Client& client, const RemoteInference& request, const base::Progress& progress);

/// Until the job is over.   Errors: kRejected if it failed or was cancelled.
base::Result<Json> wait_for_job(service::client::Client& client, const std::string& job, const base::Progress& progress);

/// Of the version ("": the newest that is ready).
base::Result<model::Shape> input_shape(service::client::Client& client, const std::string& model, const std::string& version);

/// In a path.
std::string job_path(const std::string& job);

}  // namespace blindproof::cli

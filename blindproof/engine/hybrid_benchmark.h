// Verified encrypted inference of real tables: every answer is decrypted and compared with the plain integer network's.
#pragma once

#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"
#include "blindproof/hybrid/parameters.h"

namespace blindproof::engine {

struct HybridBenchmarkRequest {
  std::string workload;
  Path models;           // folder of the trained networks; empty: the source tree's
  Path data;             // folder of the tables that aren't part of the source tree; empty: its build/data
  std::size_t runs = 3;  // of inference, proof and verification; medians are reported
};

/// Seconds of wall time. Reading, hashing and writing ciphertexts counts (in memory), registration once per model does not.
struct HybridBenchmarkOutcome {
  std::string network;                                  // "30-16-2"
  hybrid::Parameters parameters;
  std::size_t records = 0, features = 0;
  int weight_bits = 0, input_bits = 0;
  double commit_s = 0, bounds_check_s = 0;              // once per model
  double encrypt_s = 0, infer_s = 0, prove_s = 0, verify_s = 0, decrypt_s = 0;
  std::size_t proof_bytes = 0, ciphertext_bytes = 0, peak_rss_bytes = 0, threads = 0;  // ciphertexts: the encrypted input
  double accuracy_float = 0, accuracy = 0;              // percent of the records: of the float network, of the decrypted answers
};

std::vector<std::string> hybrid_workload_names();
/// Errors: kInvalidArgument for an unknown name or missing files; those of quantising and lowering; kRejected if an answer isn't proven, or
/// differs from the integer network's.
base::Result<HybridBenchmarkOutcome> run_hybrid_benchmark(const HybridBenchmarkRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

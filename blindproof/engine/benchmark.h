// Whole workloads, timed: commit, prove with input and weights hidden, verify from bytes.
#pragma once

#include <string>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct BenchmarkRequest {
  std::string workload;
  Path models;             // folder of the real networks; empty: the source tree's
  std::size_t repeat = 3;  // proofs made and verified, each of another input
};

/// Seconds of wall time; of what is repeated, the median.
struct BenchmarkOutcome {
  std::size_t parameters = 0, activations = 0, lookups = 0;
  double compile_s = 0;              // quantisation; for real networks import and calibration too
  double generators_s = 0;           // derived once per process; in none of the times below
  double commit_s = 0;               // commitment and registration proof
  double prove_s = 0;                // from the input in memory to the proof's bytes, the model being loaded
  double prove_min_s = 0;
  double verify_s = 0;               // from the bytes of key and proof, without the registration
  double registration_verify_s = 0;  // once per key
  double plain_s = 0;                // integer evaluation alone
  std::size_t proof_bytes = 0, model_key_bytes = 0, registration_bytes = 0;
  std::size_t peak_rss_bytes = 0;    // of the whole process, compilation included
  std::size_t threads = 0, repeat = 0;
  std::string simd;
};

/// Errors: those of making the workload; kRejected if a proof isn't accepted or its output isn't the interpreter's.
base::Result<BenchmarkOutcome> run_benchmark(const BenchmarkRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

// Encrypted inference before anything is encrypted: what it will take, and how exact it will be.
#pragma once

#include "blindproof/engine/fhe_inference.h"

namespace blindproof::engine {

struct PlanRequest {
  Path model;  // .bpm
  compiler::LowerFheOptions options;
};
struct PlanOutcome {
  FheParameters parameters;
  std::vector<compiler::StepSummary> steps;
  int levels = 0;
  std::size_t rotations = 0;
  bool relinearization = false;
  std::size_t max_samples = 1;         // of one run
  std::size_t key_bytes = 0;           // of eval.bpek
  std::size_t ciphertext_bytes = 0;    // of an encrypted input
  std::size_t weight_bytes = 0;        // encoded, in the server's memory
  double infer_seconds = 0;            // of the evaluation, once keys are loaded and weights encoded, with this machine's current threads
  double encode_seconds = 0;           // of the weights, once for each start of the server
  std::size_t peak_memory_bytes = 0;   // of `blindproof infer`
  double error_bound = 0;              // of decrypted values, with the flood, before the finish
  double expected_error = 0;           // standard deviation of the same
  double output_magnitude = 0;         // largest absolute value that calibration suggests
};

/// Lowers the model in memory. Times are the compiler's cost model (compiler/lower_fhe/cost.h), scaled by rotations that are timed here.
/// Errors: those of files and of compiler::lower_fhe.
base::Result<PlanOutcome> plan_inference(const PlanRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

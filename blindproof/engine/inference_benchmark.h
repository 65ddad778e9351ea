// Encrypted inference of whole networks, timed; every result is decrypted and compared with the plain network's.
#pragma once

#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"
#include "blindproof/fheml/program.h"

namespace blindproof::engine {

struct InferenceBenchmarkRequest {
  std::string workload;
  Path models;               // folder of the real networks; empty: the source tree's
  std::size_t samples = 0;   // inputs; 0: 20 one after the other, or 2000 for a batch
  fheml::Packing packing = fheml::Packing::kSingle;  // a batch is filled up with the same samples again
  std::size_t degree = 15;   // of activations, where they aren't squares
  int hiding_bits = 40;      // of the flood at the end; 0: none
};

/// Seconds of wall time, medians over the samples; for a batch those of the whole batch.
struct InferenceBenchmarkOutcome {
  std::size_t parameters = 0;
  std::string scheme;
  std::size_t n = 0, levels = 0;
  std::size_t samples = 0, batch = 1;                              // different ones; at once
  double lower_s = 0, key_generation_s = 0, encode_weights_s = 0;  // once
  double encrypt_s = 0, latency_s = 0, decrypt_s = 0;              // latency: the server's part
  double throughput_per_s = 0;
  double plain_s = 0, overhead_vs_plain = 0;                       // the float network, and time for a sample over it
  std::size_t key_bytes = 0, ciphertext_bytes = 0, weight_bytes = 0, peak_rss_bytes = 0;
  double accuracy_plain = 0, accuracy_encrypted = 0;               // percent; of labels, or of the plain network's answers
  double max_abs_error = 0;                                        // of outputs against the plain network's
  double encryption_error = 0, predicted_error = 0;                // of outputs against the same program in plain numbers; its bound
  std::size_t threads = 0;
  std::string simd{};
};

std::vector<std::string> inference_workload_names();
/// Errors: kInvalidArgument for an unknown name; those of lowering.
base::Result<InferenceBenchmarkOutcome> run_inference_benchmark(const InferenceBenchmarkRequest& request,
                                                                const base::Progress& progress = {});

}  // namespace blindproof::engine

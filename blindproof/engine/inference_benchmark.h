// Encrypted inference of whole networks, timed; every result is decrypted and compared with the plain network's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"
#include "blindproof/fheml/exact_program.h"
#include "blindproof/fheml/program.h"

namespace blindproof::engine {

struct InferenceBenchmarkRequest {
  std::string workload;
  Path models;               // folder of the trained networks; empty: the source tree's
  Path data;                 // folder of the tables that aren't part of the source tree; empty: its build/data
  std::size_t samples = 0;   // inputs; 0: 500 one after the other (20 for seeded networks), or 2000 for a batch
  std::optional<fheml::ExactScheme> exact_scheme = {};  // BFV or BGV, on the network's integers; without: CKKS, on its floats
  int bits = 0;              // of integer weights and inputs; 0: the workload's
  fheml::Packing packing = fheml::Packing::kSingle;  // a batch is filled up with the same samples again
  std::size_t degree = 15;   // of activations, where they aren't squares
  int hiding_bits = 40;      // of the flood at the end; 0: none
  bool encrypted_model = false;  // CKKS, one sample at a time: weights encrypted under the client's key
};

/// Seconds of wall time, medians over the samples; for a batch those of the whole batch.
struct InferenceBenchmarkOutcome {
  std::size_t parameters = 0;
  std::string scheme;
  std::size_t n = 0, levels = 0;
  std::size_t samples = 0, batch = 1;                              // different ones; at once
  double lower_s = 0, key_generation_s = 0, encode_weights_s = 0;  // once; encrypted weights are checked rather than encoded
  double encrypt_model_s = 0;                                      // once for each client
  double encrypt_s = 0, latency_s = 0, decrypt_s = 0;              // latency: the server's part
  double throughput_per_s = 0;
  double plain_s = 0, overhead_vs_plain = 0;                       // the float network, and time for a sample over it
  std::size_t key_bytes = 0, ciphertext_bytes = 0, weight_bytes = 0, peak_rss_bytes = 0;
  // Percent of labels, of the original network's answers for seeded weights: by the network as it was trained first (ReLU,
  // maxima), by the one that was lowered, by its integers, and encrypted.
  double accuracy_plain = 0, accuracy_float_same = 0, accuracy_integer = 0, accuracy_encrypted = 0;
  double same_as_integer = 0;                        // percent of samples with the class that the plain integers give
  double max_abs_error = 0;                          // of outputs against the float network that was lowered
  double encryption_error = 0, predicted_error = 0;  // CKKS: of outputs against the same program in plain numbers; its bound
  double equal_to_integer = 0;                       // BFV, BGV: percent of samples all of whose outputs are the plain integers
  std::size_t plaintext_moduli = 0;                  // BFV, BGV
  std::size_t threads = 0;
  std::string simd{};
};

std::vector<std::string> inference_workload_names();
/// Errors: kInvalidArgument for an unknown name, missing files, or BFV and BGV for other networks than those of sums, products and
/// squares; those of quantising and lowering.
base::Result<InferenceBenchmarkOutcome> run_inference_benchmark(const InferenceBenchmarkRequest& request,
                                                                const base::Progress& progress = {});

}  // namespace blindproof::engine

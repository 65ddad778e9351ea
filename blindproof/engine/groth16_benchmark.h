// Groth16 on chains of Poseidon hashes.
#pragma once

#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/groth16/r1cs.h"

namespace blindproof::engine {

/// h_(k+1) = poseidon(h_k, h_k), as many as fit: the first value is public, and so is the last. At most 2^log_constraints constraints and public values together,
/// so that the domain has that size.
struct PoseidonChain {
  groth16::R1cs r1cs;
  std::vector<field::Fr> witness;
};
PoseidonChain poseidon_chain(int log_constraints);

struct Groth16BenchmarkRequest {
  std::vector<int> log_constraints{14, 16, 18, 20};
};

struct Groth16Measurement {
  int log_domain = 0;
  std::size_t constraints = 0;
  double setup_s = 0, prove_s = 0, verify_s = 0;
  std::size_t zkey_bytes = 0;
  std::size_t setup_peak_rss_bytes = 0, peak_rss_bytes = 0;  // until the setup was done; from then on, where the kernel can forget a peak
  std::size_t threads = 0;
};

/// Sizes one after the other; setup and proof go through files in a temporary folder. Proofs are verified.
base::Result<std::vector<Groth16Measurement>> run_groth16_benchmark(const Groth16BenchmarkRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine

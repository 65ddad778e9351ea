// Homomorphic operations, timed, for the parameter sets that are shipped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"

namespace blindproof::engine {

struct FheBenchmarkRequest {
  std::string parameters;   // a named set; empty: all
  double seconds = 0.5;     // to spend on each operation, after a first run
};

struct FheMeasurement {
  std::string scheme, parameters;
  std::size_t n = 0;
  double log_q = 0, log_p = 0;
  std::size_t q_limbs = 0, p_limbs = 0, dnum = 0;
  std::uint64_t t = 0;      // plaintext modulus; 0 for CKKS
  std::string operation;
  std::size_t threads = 0;
  std::string simd;
  double median_us = 0;     // of "key_bytes": 0
  std::size_t bytes = 0;    // of "key_bytes": one key-switch key as it travels, one half expanded from a seed
  std::size_t runs = 0;
};

/// Errors: kInvalidArgument for an unknown set; kRejected if a result doesn't decrypt to what it should.
base::Result<std::vector<FheMeasurement>> run_fhe_benchmark(const FheBenchmarkRequest& request,
                                                            const base::Progress& progress = {});

}  // namespace blindproof::engine

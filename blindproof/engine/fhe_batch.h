// The client's side of batches: a ciphertext for each element of the samples, slot i that of sample i.
#pragma once

#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fheml/program.h"

namespace blindproof::engine {

/// Requires: at most as many samples as slots, each of the input's size.
/// Errors: those of encoding.
base::Result<std::vector<fhe::ckks::Ciphertext>> encrypt_batch(const fhe::ckks::ContextPtr& context, const fhe::rlwe::SecretKey& key,
                                                               const std::vector<std::vector<float>>& samples,
                                                               const base::Progress& progress = {});

/// Results by sample, after the program's finish.
base::Result<std::vector<std::vector<double>>> decrypt_batch(const fheml::ClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                             const std::vector<fhe::ckks::Ciphertext>& elements, std::size_t samples);

/// Each on its own: see ckks::sanitize.
base::Result<std::vector<fhe::ckks::Ciphertext>> sanitize_batch(const std::vector<fhe::ckks::Ciphertext>& elements,
                                                                const fhe::rlwe::PublicKey& key, int hiding_bits);

}  // namespace blindproof::engine

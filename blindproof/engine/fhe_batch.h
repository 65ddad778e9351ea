// The server's side of batches beside the program: a flood for each ciphertext of the result.
#pragma once

#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fheml/program.h"

namespace blindproof::engine {

/// Each on its own: see ckks::sanitize.
base::Result<std::vector<fhe::ckks::Ciphertext>> sanitize_batch(const std::vector<fhe::ckks::Ciphertext>& elements,
                                                                const fhe::rlwe::PublicKey& key, int hiding_bits);

}  // namespace blindproof::engine

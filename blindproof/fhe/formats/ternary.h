// Ternary polynomials of secret keys in files: five coefficients to a byte (docs/spec/fhe-files.md, "secret key").
#pragma once

#include "blindproof/base/result.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::fhe::formats {

/// `ternary` holds 0, 1 and 255.   Timing: constant.
crypto::SecretBytes join_trits(base::ByteSpan ternary);
/// The other way, to `degree` bytes.   Errors: kMalformed.   Timing: constant for what join_trits gives.
base::Result<crypto::SecretBytes> split_trits(std::size_t degree, const crypto::SecretBytes& content);

}  // namespace blindproof::fhe::formats

// Numbers to plaintexts and back.
#pragma once

#include <complex>
#include <span>
#include <vector>

#include "blindproof/fhe/ckks/ciphertext.h"
#include "blindproof/fhe/ckks/fft.h"
#include "blindproof/fhe/rlwe/secret_vector.h"

namespace blindproof::fhe::ckks {

class Encoder {
 public:
  explicit Encoder(ContextPtr context);

  /// At most N/2 slots; those that are missing are zero. Without a scale, the level's own.
  /// Errors: kInvalidArgument for too many slots, a level that doesn't exist, values that aren't finite, or values so large
  /// that the scaled coefficients don't fit half the modulus of the level.
  base::Result<Plaintext> encode(std::span<const std::complex<double>> values, int level) const;
  base::Result<Plaintext> encode(std::span<const std::complex<double>> values, int level, double scale) const;
  base::Result<Plaintext> encode(std::span<const double> values, int level) const;
  base::Result<Plaintext> encode(std::span<const double> values, int level, double scale) const;

  /// The same polynomial also modulo the special moduli, for sums that are divided by them at the end.
  /// Errors: those of encode().
  base::Result<rlwe::NttPoly> encode_extended(std::span<const std::complex<double>> values, int level, double scale) const;
  /// The same before it is transformed.
  base::Result<rlwe::CompactPoly> encode_compact(std::span<const std::complex<double>> values, int level, double scale) const;

  /// All N/2 slots. Those of decrypt() are for the holder of the secret key alone: see decrypt_to_share().
  std::vector<std::complex<double>> decode(const Plaintext& plaintext) const;
  std::vector<double> decode_real(const Plaintext& plaintext) const;

  const ContextPtr& context() const noexcept { return context_; }

 private:
  struct Scaled {
    rlwe::SecretVector<double> coefficients;
    double largest, magnitude;
  };
  base::Result<Scaled> scaled(std::span<const std::complex<double>> values, int level, double scale) const;

  ContextPtr context_;
  Embedding embedding_;
};

}  // namespace blindproof::fhe::ckks

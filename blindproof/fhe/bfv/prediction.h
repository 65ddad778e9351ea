// What operations do to the predicted error: for choosing parameters before there are keys. The operations on ciphertexts predict by the
// same functions (docs/spec/fhe.md, section 4 and 6).
#pragma once

#include "blindproof/fhe/bfv/ciphertext.h"

namespace blindproof::fhe::bfv {

struct Prediction {
  double noise;      // standard deviation of an error coefficient
  int secret_power;  // highest power of the secret in it
};

inline Prediction prediction_of(const Ciphertext& a) { return {a.noise(), a.secret_power()}; }

/// Under the public key, whose errors are the longer ones.
Prediction predict_fresh(const Context& context);
Prediction predict_sum(const Prediction& a, const Prediction& b);
/// Of a sum with a plaintext.
Prediction predict_sum(const Prediction& a);
/// Not relinearised.
Prediction predict_product(const Context& context, const Prediction& a, const Prediction& b);
/// Relinearisation or rotation.
Prediction predict_switch(const Context& context, const Prediction& a);
/// `norm` of rlwe::IntegerMatrix, or a bound of it.
Prediction predict_matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps);
/// Errors: those of rlwe::uniform_flood.
base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits);

/// Bits between the predicted bound and what decrypts; negative where it might not.
inline double budget_bits(const Context& context, const Prediction& a) { return context.log2_room() - std::log2(kTail * a.noise); }

}  // namespace blindproof::fhe::bfv

// What operations do to the predicted deviation: for choosing parameters before there are keys. The operations on ciphertexts predict by the
// same functions (docs/spec/fhe.md, section 7).
#pragma once

#include "blindproof/fhe/bgv/ciphertext.h"

namespace blindproof::fhe::bgv {

struct Prediction {
  double deviation;  // of a coefficient of the phase
  int secret_power;  // highest power of the secret in it
  int level;
};

inline Prediction prediction_of(const Ciphertext& a) { return {a.deviation(), a.secret_power(), a.level()}; }

/// Under the public key, whose errors are the longer ones.
Prediction predict_fresh(const Context& context);
/// Requires: one level.
Prediction predict_sum(const Prediction& a, const Prediction& b);
/// Of a sum with a plaintext.
Prediction predict_sum(const Context& context, const Prediction& a);
/// Neither relinearised nor divided.   Requires: one level.
Prediction predict_product(const Context& context, const Prediction& a, const Prediction& b);
/// Relinearisation or rotation.
Prediction predict_switch(const Context& context, const Prediction& a);
/// One level down. `degree` of the ciphertext.
Prediction predict_rescale(const Context& context, const Prediction& a, std::size_t degree = 1);
/// The same message at a level below.
Prediction predict_lowered(const Context& context, const Prediction& a, int level);
/// Before the rescale that ends it. `norm` of rlwe::IntegerMatrix, or a bound of it.
Prediction predict_matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps);
/// Errors: those of rlwe::uniform_flood.
base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits);

/// Bits between the predicted bound and what decrypts; negative where it might not.
inline double budget_bits(const Context& context, const Prediction& a) {
  return context.log2_room(a.level) - std::log2(kTail * a.deviation);
}

}  // namespace blindproof::fhe::bgv

#include "blindproof/fhe/bfv/prediction.h"

#include <algorithm>
#include <cmath>

#include "blindproof/fhe/rlwe/flooding.h"

namespace blindproof::fhe::bfv {
namespace {

const double kRounding = std::sqrt(1.0 / 12);

double rounding_of_products(const rlwe::Ring& ring) {
  const double h = 2.0 / 3.0 * static_cast<double>(ring.degree());
  return std::sqrt((1 + h + h * h) / 12);
}

double switch_noise(const Context& context) { return rlwe::key_switch_noise(*context.ring(), context.ring()->q_count()); }

}  // namespace

Prediction predict_fresh(const Context& context) {
  return {std::hypot(rlwe::fresh_public_key_noise(*context.ring()), kRounding), 1};
}

Prediction predict_sum(const Prediction& a, const Prediction& b) {
  return {a.noise + b.noise, std::max(a.secret_power, b.secret_power)};
}

Prediction predict_sum(const Prediction& a) { return {a.noise + kRounding, a.secret_power}; }

Prediction predict_product(const Context& context, const Prediction& a, const Prediction& b) {
  const rlwe::Ring& ring = *context.ring();
  const double t = static_cast<double>(context.parameters().t), root = std::sqrt(static_cast<double>(ring.degree()));
  const double overflow = rlwe::rounding_noise(ring);  // of phase / Q beyond the message
  const double shared = std::sqrt(1.0 + std::max(a.secret_power, b.secret_power));
  const double crossed = t * root * (0.5 + overflow * shared) * (a.noise + b.noise);
  const double both = std::exp2(std::log2(t) + std::log2(a.noise) + std::log2(b.noise) -
                                ring.log2_modulus(context.basis())) * root * shared;
  const double switching = t * root * overflow * overflow * std::sqrt(2.0);
  return {std::hypot(crossed + both, switching, rounding_of_products(ring)), std::max(a.secret_power, b.secret_power) + 1};
}

Prediction predict_switch(const Context& context, const Prediction& a) {
  return {std::hypot(a.noise, switch_noise(context)), a.secret_power};
}

Prediction predict_matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps) {
  const double switching = switch_noise(context);
  return {norm * std::hypot(a.noise, switching) + static_cast<double>(giant_steps) * switching, a.secret_power};
}

base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits) {
  const double noise = std::hypot(a.noise, rlwe::fresh_public_key_noise(*context.ring()));
  BLINDPROOF_ASSIGN(const rlwe::Flood flood, rlwe::uniform_flood("sanitising", kTail * noise, hiding_bits));
  return Prediction{std::hypot(noise, flood.deviation()), a.secret_power};
}

}  // namespace blindproof::fhe::bfv

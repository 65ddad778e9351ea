#include "blindproof/fhe/bgv/prediction.h"

#include <algorithm>
#include <cmath>

#include "blindproof/fhe/rlwe/flooding.h"

namespace blindproof::fhe::bgv {
namespace {

double t_of(const Context& context) { return static_cast<double>(context.parameters().t); }

double modulus_of(const Context& context, int level) {
  return static_cast<double>(context.ring()->parameters().q[static_cast<std::size_t>(level)]);
}

double switch_deviation(const Context& context, int level) {
  return t_of(context) * rlwe::key_switch_noise(*context.ring(), context.q_limbs(level));
}

double binomial(int n, int k) {
  double result = 1;
  for (int i = 1; i <= k; ++i) result *= static_cast<double>(n - k + i) / i;
  return result;
}

// What the sum of two independent deviations is raised by so that its square varies as that of one with power_b: fourth moments
// of powers p of the secret are binom(2p, p) times those of a Gaussian.
double joint_excess(double a, int power_a, double b, int power_b) {
  const double x = a * a / (a * a + b * b), y = 1 - x;
  const double moment = x * x * binomial(2 * power_a, power_a) + 2 * x * y * binomial(power_a + power_b, power_a) +
                        y * y * binomial(2 * power_b, power_b);
  return std::max(1.0, std::pow(moment / binomial(2 * power_b, power_b), 0.25));
}

}  // namespace

Prediction predict_fresh(const Context& context) {
  return {t_of(context) * std::hypot(rlwe::fresh_public_key_noise(*context.ring()), 0.5), 1, context.top_level()};
}

Prediction predict_sum(const Prediction& a, const Prediction& b) {
  return {a.deviation + b.deviation, std::max(a.secret_power, b.secret_power), a.level};
}

Prediction predict_sum(const Context& context, const Prediction& a) {
  return {a.deviation + t_of(context) / 2, a.secret_power, a.level};
}

Prediction predict_product(const Context& context, const Prediction& a, const Prediction& b) {
  // Twice for what both share: the message, if one is squared.
  const double variance = 2 * static_cast<double>(context.ring()->degree()) * binomial(a.secret_power + b.secret_power, a.secret_power);
  return {a.deviation * b.deviation * std::sqrt(variance), a.secret_power + b.secret_power, a.level};
}

Prediction predict_switch(const Context& context, const Prediction& a) {
  return {std::hypot(a.deviation, switch_deviation(context, a.level)), a.secret_power, a.level};
}

Prediction predict_rescale(const Context& context, const Prediction& a, std::size_t degree) {
  const double h = 2.0 / 3.0 * static_cast<double>(context.ring()->degree());
  const double rounding = t_of(context) * (degree == 2 ? std::sqrt((1 + h + h * h) / 12) : rlwe::rounding_noise(*context.ring()));
  const double kept = a.deviation / modulus_of(context, a.level);
  const double total = std::hypot(kept, rounding);
  if (kept > rounding) return {total, a.secret_power, a.level - 1};
  const int power = static_cast<int>(degree);
  return {total * joint_excess(kept, a.secret_power, rounding, power), power, a.level - 1};
}

Prediction predict_lowered(const Context& context, const Prediction& a, int level) {
  if (level >= a.level) return a;
  return predict_rescale(context, {a.deviation * t_of(context) / 2, a.secret_power, level + 1});
}

Prediction predict_matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps) {
  const double switching = switch_deviation(context, a.level);
  return {norm * std::hypot(a.deviation, switching) + static_cast<double>(giant_steps) * switching, a.secret_power, a.level};
}

base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits) {
  // In units of t, of which the message takes up to a half: the phase is f m + t e.
  const double noise = std::hypot(a.deviation / t_of(context), rlwe::fresh_public_key_noise(*context.ring()));
  BLINDPROOF_ASSIGN(const rlwe::Flood flood, rlwe::uniform_flood("sanitising", kTail * noise + 0.5, hiding_bits));
  return Prediction{t_of(context) * std::hypot(noise, flood.deviation()), a.secret_power, a.level};
}

}  // namespace blindproof::fhe::bgv

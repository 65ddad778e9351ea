#include "blindproof/fhe/ckks/context.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace blindproof::fhe::ckks {
namespace {

using enum rlwe::SecurityLevel;

constexpr std::array<NamedParameters, 14> kNamed{{
    {"ckks-4096-1", "1 product, 24-bit scale: linear models, about 11 bits of precision",
     {.log_degree = 12, .scale_bits = 24, .levels = 1, .first_bits = 32, .digits = 2}},
    {"ckks-8192-2", "2 products, 40-bit scale: linear models, one activation",
     {.log_degree = 13, .scale_bits = 40, .levels = 2, .first_bits = 50, .digits = 3}},
    {"ckks-8192-3", "3 products, 36-bit scale: logistic regression; linear models at a double scale, flooded",
     {.log_degree = 13, .scale_bits = 36, .levels = 3, .first_bits = 50, .digits = 4}},
    {"ckks-16384-5", "5 products, 40-bit scale: small networks",
     {.log_degree = 14, .scale_bits = 40, .levels = 5, .first_bits = 50, .digits = 3}},
    {"ckks-16384-7", "7 products, 40-bit scale: three layers with squares",
     {.log_degree = 14, .scale_bits = 40, .levels = 7, .first_bits = 48, .digits = 4}},
    {"ckks-32768-12", "12 products, 40-bit scale: networks with polynomial activations",
     {.log_degree = 15, .scale_bits = 40, .levels = 12, .first_bits = 50, .digits = 3}},
    {"ckks-65536-24", "24 products, 40-bit scale: deep programs",
     {.log_degree = 16, .scale_bits = 40, .levels = 24, .first_bits = 50, .digits = 3}},
    {"ckks-32768-5-long", "5 products, 76-bit scale: results that are flooded before they are shown",
     {.log_degree = 15, .scale_bits = 76, .levels = 5, .first_bits = 96, .digits = 3}},
    {"ckks-16384-4-192", "4 products, 40-bit scale, 192 bits of security",
     {.log_degree = 14, .scale_bits = 40, .levels = 4, .first_bits = 50, .digits = 5, .security = k192}},
    {"ckks-32768-8-192", "8 products, 40-bit scale, 192 bits of security",
     {.log_degree = 15, .scale_bits = 40, .levels = 8, .first_bits = 50, .digits = 3, .security = k192}},
    {"ckks-65536-18-192", "18 products, 40-bit scale, 192 bits of security",
     {.log_degree = 16, .scale_bits = 40, .levels = 18, .first_bits = 50, .digits = 3, .security = k192}},
    {"ckks-16384-3-256", "3 products, 40-bit scale, 256 bits of security",
     {.log_degree = 14, .scale_bits = 40, .levels = 3, .first_bits = 50, .digits = 4, .security = k256}},
    {"ckks-32768-7-256", "7 products, 40-bit scale, 256 bits of security",
     {.log_degree = 15, .scale_bits = 40, .levels = 7, .first_bits = 50, .digits = 4, .security = k256}},
    {"ckks-65536-16-256", "16 products, 40-bit scale, 256 bits of security",
     {.log_degree = 16, .scale_bits = 40, .levels = 16, .first_bits = 50, .digits = 4, .security = k256}},
}};

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "CKKS parameters", std::move(detail));
}

/// The prime that is 1 mod `step`, below 2^50 and not in `used`, nearest to `target`.
base::Result<std::uint64_t> nearest_prime(double target, std::uint64_t step, const std::vector<std::uint64_t>& used) {
  const std::uint64_t center = static_cast<std::uint64_t>(std::llround(target / static_cast<double>(step))) * step + 1;
  const std::uint64_t limit = std::uint64_t{1} << field::Modulus::kMaxBits;
  const auto usable = [&](std::uint64_t value) {
    return value < limit && field::is_prime(value) && std::ranges::find(used, value) == used.end();
  };
  for (std::uint64_t distance = 0; distance < center / 2; distance += step) {
    if (usable(center - distance)) return center - distance;
    if (usable(center + distance)) return center + distance;
  }
  return invalid("there are too few primes of this length for this degree: use a larger scale or fewer levels");
}

double level_product(std::span<const std::uint64_t> q, std::size_t each, std::size_t level) {
  double product = 1;
  for (std::size_t limb = 0; limb < each; ++limb) product *= static_cast<double>(q[each * level + limb]);
  return product;
}

}  // namespace

double Context::level_modulus(int level) const noexcept {
  return level_product(ring_->parameters().q, limbs_per_level(), static_cast<std::size_t>(level));
}

std::span<const NamedParameters> named_parameters() noexcept { return kNamed; }

base::Result<ContextPtr> Context::create(std::string_view name) {
  BLINDPROOF_ASSIGN(const Parameters parameters, rlwe::find_parameters(named_parameters(), name));
  return create(parameters);
}

base::Result<ContextPtr> Context::create(const Parameters& parameters) { return make(parameters, true); }

base::Result<ContextPtr> Context::make(const Parameters& parameters, bool check_security) {
  if (parameters.log_degree < 6 || parameters.log_degree > 17) return invalid("log_degree must lie between 6 and 17");
  const bool is_long = parameters.scale_bits >= field::Modulus::kMaxBits;
  const std::size_t each = is_long ? 2 : 1;  // moduli of a level
  if (parameters.scale_bits < 20 || parameters.scale_bits > 98) return invalid("scale_bits must lie between 20 and 98");
  if (parameters.first_bits < parameters.scale_bits || parameters.first_bits > static_cast<int>(each) * field::Modulus::kMaxBits) {
    return invalid("first_bits must lie between scale_bits and " + std::to_string(each * field::Modulus::kMaxBits));
  }
  const int most = static_cast<int>(64 / each) - 1;
  if (parameters.levels < 0 || parameters.levels > most) return invalid("levels must lie between 0 and " + std::to_string(most));
  const std::uint64_t step = std::uint64_t{2} << parameters.log_degree;
  const std::size_t levels = static_cast<std::size_t>(parameters.levels) + 1, count = each * levels;
  std::vector<double> scales(levels);
  std::vector<std::uint64_t> q(count), used;
  const auto choose = [&](std::size_t limb, double target) -> base::Status {
    BLINDPROOF_ASSIGN(q[limb], nearest_prime(target, step, used));
    used.push_back(q[limb]);
    return {};
  };
  scales.back() = std::ldexp(1.0, parameters.scale_bits);
  for (std::size_t level = levels - 1; level > 0; --level) {
    const double squared = scales[level] * scales[level], target = squared / scales.back();
    if (is_long) BLINDPROOF_TRY(choose(2 * level, std::sqrt(target)));
    BLINDPROOF_TRY(choose(each * level + each - 1, is_long ? target / static_cast<double>(q[2 * level]) : target));
    scales[level - 1] = squared / level_product(q, each, level);
  }
  for (std::size_t limb = 0; limb < each; ++limb) {
    const int bits = (parameters.first_bits + static_cast<int>(limb)) / static_cast<int>(each);
    BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> first, field::ntt_primes_below(bits, parameters.log_degree + 1, 1, used));
    q[limb] = first[0];
    used.push_back(q[limb]);
  }

  const std::size_t digits = std::min(static_cast<std::size_t>(std::max(parameters.digits, 1)), count);
  double longest = 0;
  for (std::size_t digit = 0; digit < digits; ++digit) {
    double bits = 0;
    for (std::size_t i = digit * count / digits; i < (digit + 1) * count / digits; ++i) {
      bits += std::log2(static_cast<double>(q[i]));
    }
    longest = std::max(longest, bits);
  }
  const std::size_t special = parameters.special_limbs > 0
                                  ? static_cast<std::size_t>(parameters.special_limbs)
                                  : static_cast<std::size_t>(std::ceil((longest - 1) / field::Modulus::kMaxBits));
  BLINDPROOF_ASSIGN(std::vector<std::uint64_t> p, field::ntt_primes_below(field::Modulus::kMaxBits,
                                                                         parameters.log_degree + 1, special, used));
  if (check_security) {
    std::vector<std::uint64_t> all = q;
    all.insert(all.end(), p.begin(), p.end());
    BLINDPROOF_TRY(rlwe::check_security(parameters.log_degree, all, parameters.security));
  }
  BLINDPROOF_ASSIGN(rlwe::RingPtr ring, rlwe::Ring::create({.log_degree = parameters.log_degree,
                                                            .q = std::move(q),
                                                            .p = std::move(p),
                                                            .digits = static_cast<int>(digits)}));
  Parameters chosen = parameters;
  chosen.digits = static_cast<int>(digits);
  chosen.special_limbs = static_cast<int>(special);
  return ContextPtr(new Context(chosen, std::move(ring), std::move(scales)));
}

}  // namespace blindproof::fhe::ckks

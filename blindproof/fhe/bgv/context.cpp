#include "blindproof/fhe/bgv/context.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "blindproof/fhe/rlwe/sampling.h"

namespace blindproof::fhe::bgv {
namespace {

using enum rlwe::SecurityLevel;

constexpr std::array<NamedParameters, 10> kNamed{{
    {"bgv-8192", "20-bit integers, 2 products in sequence, or 1 and a flood",
     {.log_degree = 13, .t = 1032193, .levels = 2}},
    {"bgv-16384", "20-bit integers, 5 products in sequence, or 4 and a flood",
     {.log_degree = 14, .t = 786433, .levels = 5}},
    {"bgv-32768", "20-bit integers, 12 products in sequence, or 11 and a flood",
     {.log_degree = 15, .t = 786433, .levels = 12}},
    {"bgv-8192-t30", "30-bit integers, 2 products in sequence, or 1 and a flood",
     {.log_degree = 13, .t = 1073692673, .levels = 2}},
    {"bgv-16384-t30", "30-bit integers, 5 products in sequence, or 4 and a flood",
     {.log_degree = 14, .t = 1073643521, .levels = 5, .limb_bits = 50}},
    {"bgv-32768-t30", "30-bit integers, 11 products in sequence, or 10 and a flood",
     {.log_degree = 15, .t = 1073479681, .levels = 11, .limb_bits = 50}},
    {"bgv-16384-192", "20-bit integers, 5 products in sequence, or 4 and a flood, 192 bits of security",
     {.log_degree = 14, .t = 786433, .levels = 5, .digits = 6, .security = k192}},
    {"bgv-32768-192", "20-bit integers, 11 products in sequence, or 10 and a flood, 192 bits of security",
     {.log_degree = 15, .t = 786433, .levels = 11, .digits = 6, .security = k192}},
    {"bgv-16384-256", "20-bit integers, 3 products in sequence, or 2 and a flood, 256 bits of security",
     {.log_degree = 14, .t = 786433, .levels = 3, .digits = 4, .security = k256}},
    {"bgv-32768-256", "20-bit integers, 8 products in sequence, or 7 and a flood, 256 bits of security",
     {.log_degree = 15, .t = 786433, .levels = 8, .digits = 5, .security = k256}},
}};

// Room at level 0 beyond what a modulus of the chain takes from the error, for sums and products with plaintexts.
constexpr int kSpareBits = 6;

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "BGV parameters", std::move(detail));
}

// The product of two fresh phases of deviation w has w^2 sqrt(N) (times 2: squares, and shared powers of the secret): one modulus
// of w sqrt(N) * 2, and one bit more so that deviations shrink.
int chain_bits(const Parameters& parameters) {
  const double n = std::ldexp(1.0, parameters.log_degree);
  const double fresh = static_cast<double>(parameters.t) * std::sqrt(rlwe::kErrorVariance * (1 + 4.0 / 3.0 * n));
  return static_cast<int>(std::ceil(std::log2(fresh * std::sqrt(n) * 2))) + 1;
}

}  // namespace

std::span<const NamedParameters> named_parameters() noexcept { return kNamed; }

base::Result<ContextPtr> Context::create(std::string_view name) {
  BLINDPROOF_ASSIGN(const Parameters parameters, rlwe::find_parameters(named_parameters(), name));
  return create(parameters);
}

base::Result<ContextPtr> Context::create(const Parameters& parameters) { return make(parameters, true); }

base::Result<ContextPtr> Context::make(const Parameters& parameters, bool check_security) {
  if (parameters.log_degree < 6 || parameters.log_degree > 17) return invalid("log_degree must lie between 6 and 17");
  if (parameters.levels < 0 || parameters.levels > 63) return invalid("levels must lie between 0 and 63");
  if (parameters.t >= std::uint64_t{1} << 30) return invalid("the plaintext modulus must lie below 2^30");
  BLINDPROOF_ASSIGN(rlwe::SlotEncoder slots, rlwe::SlotEncoder::create(parameters.t, parameters.log_degree));
  const int bits = parameters.limb_bits > 0 ? parameters.limb_bits : chain_bits(parameters);
  if (bits < chain_bits(parameters) || bits > field::Modulus::kMaxBits) {
    return invalid("limb_bits must lie between " + std::to_string(chain_bits(parameters)) +
                   " (for this degree and plaintext modulus) and 50");
  }
  const int first_bits = std::min(bits + kSpareBits, field::Modulus::kMaxBits);
  const std::size_t count = static_cast<std::size_t>(parameters.levels) + 1;
  const std::size_t digits = std::min(static_cast<std::size_t>(std::max(parameters.digits, 1)), count);
  const int step = parameters.log_degree + 1;
  std::size_t longest = 0;
  for (std::size_t digit = 0; digit < digits; ++digit) {
    const std::size_t begin = digit * count / digits, end = (digit + 1) * count / digits;
    const std::size_t length = (end - begin) * static_cast<std::size_t>(bits);
    longest = std::max(longest, begin == 0 ? length + static_cast<std::size_t>(first_bits - bits) : length);
  }
  const std::size_t special =
      parameters.special_limbs > 0 ? static_cast<std::size_t>(parameters.special_limbs) : (longest + 49) / 50;
  std::vector<std::uint64_t> used{parameters.t};
  const auto take = [&](int length, std::size_t number) -> base::Result<std::vector<std::uint64_t>> {
    BLINDPROOF_ASSIGN(std::vector<std::uint64_t> primes, field::ntt_primes_below(length, step, number, used));
    used.insert(used.end(), primes.begin(), primes.end());
    return primes;
  };
  BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> p, take(50, special));
  BLINDPROOF_ASSIGN(std::vector<std::uint64_t> q, take(first_bits, 1));
  // Of `bits` bits at least: the largest below 2^(bits + 1) would waste one.
  BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> chain, bits == 50 ? take(bits, count - 1) : [&]() {
    return field::ntt_primes_near(bits, step, count - 1, used);
  }());
  q.insert(q.end(), chain.begin(), chain.end());
  if (check_security) {
    std::vector<std::uint64_t> all = q;
    all.insert(all.end(), p.begin(), p.end());
    BLINDPROOF_TRY(rlwe::check_security(parameters.log_degree, all, parameters.security));
  }
  BLINDPROOF_ASSIGN(rlwe::RingPtr ring, rlwe::Ring::create({.log_degree = parameters.log_degree, .q = q, .p = p,
                                                            .digits = static_cast<int>(digits)}));
  Parameters chosen = parameters;
  chosen.limb_bits = bits;
  chosen.digits = static_cast<int>(digits);
  chosen.special_limbs = static_cast<int>(special);
  return ContextPtr(new Context(chosen, std::move(ring), std::move(slots)));
}

Context::Context(const Parameters& parameters, rlwe::RingPtr ring, rlwe::SlotEncoder slots)
    : parameters_(parameters), ring_(std::move(ring)), slots_(std::move(slots)) {
  std::vector<field::Modulus> moduli;
  for (std::size_t i = 0; i < ring_->q_count(); ++i) {
    const field::Modulus& q = ring_->modulus({ring_->q_count(), false}, i);
    moduli.push_back(q);
    to_t_.emplace_back(moduli, std::vector<field::Modulus>{t()});
    inverses_.push_back(t().inverse(t().reduce(q.value())));
  }
  factors_.resize(ring_->q_count());
  factors_.back() = 1;
  for (std::size_t level = factors_.size() - 1; level > 0; --level) {
    factors_[level - 1] = t().multiply(t().multiply(factors_[level], factors_[level]), inverses_[level]);
  }
}

}  // namespace blindproof::fhe::bgv

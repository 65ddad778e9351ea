#include "blindproof/fhe/rlwe/security.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "blindproof/base/int128.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr int kMinLogDegree = 10;
constexpr int kMaxLogDegree = 17;
constexpr int kNoEntry = 0;
// By level, then by log_degree.
constexpr std::array<std::array<int, kMaxLogDegree - kMinLogDegree + 1>, 3> kMaxLogModulus = {{
    {26, 53, 106, 214, 430, 868, 1747, 3523},
    {kNoEntry, 36, 73, 147, 297, 597, 1199, 2411},
    {kNoEntry, 27, 56, 114, 230, 462, 929, 1866},
}};

/// kNoEntry outside the table.
int table_entry(int log_degree, SecurityLevel level) noexcept {
  if (log_degree < kMinLogDegree || log_degree > kMaxLogDegree) return kNoEntry;
  return kMaxLogModulus[static_cast<std::size_t>(level)][static_cast<std::size_t>(log_degree - kMinLogDegree)];
}

std::string describe(int log_degree, SecurityLevel level) {
  return "degree 2^" + std::to_string(log_degree) + " at " + std::to_string(security_bits(level)) + " bits of security";
}

/// The least integer e with product(moduli) <= 2^e, or `limit` + 1 if that is greater.   Requires: moduli of at
/// least 2.
int log2_of_product(std::span<const std::uint64_t> moduli, int limit) {
  std::vector<std::uint64_t> product = {1};  // little-endian
  const auto bit_length = [&] {
    return static_cast<int>(64 * (product.size() - 1)) + static_cast<int>(std::bit_width(product.back()));
  };
  for (const std::uint64_t modulus : moduli) {
    std::uint64_t carry = 0;
    for (std::uint64_t& word : product) {
      const base::Uint128 sum = base::Uint128{word} * modulus + carry;
      word = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
    if (carry != 0) product.push_back(carry);
    if (bit_length() > limit + 1) return limit + 1;  // also keeps the cost of absurdly many moduli linear
  }
  int ones = 0;
  for (const std::uint64_t word : product) ones += std::popcount(word);
  return std::min(limit + 1, bit_length() - (ones == 1 ? 1 : 0));
}

std::string one_decimal(double value) {
  const long long tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

int security_bits(SecurityLevel level) noexcept {
  switch (level) {
    case SecurityLevel::k128:
      return 128;
    case SecurityLevel::k192:
      return 192;
    case SecurityLevel::k256:
      return 256;
  }
  return 0;
}

base::Result<int> max_log_modulus(int log_degree, SecurityLevel level) {
  const int limit = table_entry(log_degree, level);
  if (limit != kNoEntry) return limit;
  const int first = level == SecurityLevel::k128 ? kMinLogDegree : kMinLogDegree + 1;
  return base::error(base::ErrorCode::kInvalidArgument, "security",
                     "the guidelines (ePrint 2024/463) have no limit for " + describe(log_degree, level) +
                         "; choose a degree from 2^" + std::to_string(first) + " to 2^" +
                         std::to_string(kMaxLogDegree));
}

base::Status check_security(int log_degree, std::span<const std::uint64_t> moduli_of_q_and_p, SecurityLevel level) {
  BLINDPROOF_ASSIGN(const int limit, max_log_modulus(log_degree, level));
  if (moduli_of_q_and_p.empty() || std::ranges::any_of(moduli_of_q_and_p, [](std::uint64_t q) { return q < 2; })) {
    return base::error(base::ErrorCode::kInvalidArgument, "security", "there must be moduli, and each at least 2");
  }
  if (log2_of_product(moduli_of_q_and_p, limit) <= limit) return base::Status::good();

  double log2_modulus = 0;
  for (const std::uint64_t modulus : moduli_of_q_and_p) log2_modulus += std::log2(static_cast<double>(modulus));
  const double excess = std::max(0.1, std::ceil((log2_modulus - limit) * 10) / 10);
  std::string remedy = "drop moduli or take shorter ones";
  for (int larger = log_degree + 1; larger <= kMaxLogDegree; ++larger) {
    if (table_entry(larger, level) < log2_modulus) continue;
    remedy +=
        ", or take degree 2^" + std::to_string(larger) + " (" + std::to_string(table_entry(larger, level)) + " bits)";
    break;
  }
  return base::error(base::ErrorCode::kInvalidArgument, "security",
                     "the product of all moduli has " + one_decimal(log2_modulus) + " bits, " + one_decimal(excess) +
                         " more than the " + std::to_string(limit) + " that " + describe(log_degree, level) +
                         " allows; " + remedy);
}

}  // namespace blindproof::fhe::rlwe

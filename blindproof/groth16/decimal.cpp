#include "blindproof/groth16/decimal.h"

namespace blindproof::groth16 {

std::string limbs_to_decimal(field::Limbs value) {
  constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000;  // 10^18
  std::string digits;
  do {
    std::uint64_t rest = 0;
    for (std::size_t i = 4; i-- > 0;) {
      const base::Uint128 t = static_cast<base::Uint128>(rest) << 64 | value[i];
      value[i] = static_cast<std::uint64_t>(t / kChunk);
      rest = static_cast<std::uint64_t>(t % kChunk);
    }
    for (int k = 0; k < 18; ++k) {
      digits.push_back(static_cast<char>('0' + rest % 10));
      rest /= 10;
    }
  } while ((value[0] | value[1] | value[2] | value[3]) != 0);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  std::ranges::reverse(digits);
  return digits;
}

std::optional<field::Limbs> limbs_from_decimal(std::string_view text) {
  if (text.empty() || text.size() > 78 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  field::Limbs value{};
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    std::uint64_t carry = static_cast<std::uint64_t>(digit - '0');
    for (std::uint64_t& limb : value) {
      const base::Uint128 t = static_cast<base::Uint128>(limb) * 10 + carry;
      limb = static_cast<std::uint64_t>(t);
      carry = static_cast<std::uint64_t>(t >> 64);
    }
    if (carry != 0) return std::nullopt;
  }
  return value;
}

}  // namespace blindproof::groth16

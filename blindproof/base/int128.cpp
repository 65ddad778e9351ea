#include "blindproof/base/int128.h"

#include <algorithm>

namespace blindproof::base {

std::string to_string(Int128 value) {
  Uint128 magnitude = value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(magnitude % 10)));
    magnitude /= 10;
  } while (magnitude != 0);
  if (value < 0) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Result<Int128> parse_int128(std::string_view text) {
  const auto bad = [&] { return error(ErrorCode::kMalformed, "integer", "not a decimal integer: " + std::string(text)); };
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 38 || (digits.front() == '0' && (digits.size() > 1 || negative))) return bad();
  Uint128 magnitude = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return bad();
    magnitude = magnitude * 10 + static_cast<unsigned>(c - '0');
  }
  if (bit_length(magnitude) > 127) return bad();
  const Int128 value = static_cast<Int128>(magnitude);
  return negative ? -value : value;
}

int bit_length(Uint128 value) noexcept {
  int bits = 0;
  for (; value != 0; value >>= 1) ++bits;
  return bits;
}

}  // namespace blindproof::base

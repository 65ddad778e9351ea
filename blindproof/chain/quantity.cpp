#include "blindproof/chain/quantity.h"

#include <algorithm>
#include <limits>

namespace blindproof::chain {

using base::ErrorCode;

std::string to_decimal(Uint128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value > 0);
  std::ranges::reverse(digits);
  return digits;
}

base::Result<Uint128> parse_decimal(std::string_view text, std::string_view place) {
  const auto refused = [&](std::string detail) { return base::error(ErrorCode::kInvalidArgument, std::string(place), std::move(detail)); };
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (text.size() > 1 && text[0] == '0')) return refused("must be a whole number in decimal digits");
  constexpr Uint128 kMax = std::numeric_limits<Uint128>::max();
  Uint128 value = 0;
  for (const char c : text) {
    const auto digit = static_cast<Uint128>(c - '0');
    if (value > (kMax - digit) / 10) return refused("must be below 2^128");
    value = value * 10 + digit;
  }
  return value;
}

base::Result<std::uint64_t> parse_decimal64(std::string_view text, std::string_view place) {
  BLINDPROOF_ASSIGN(const Uint128 value, parse_decimal(text, place));
  if (value >> 64 != 0) return base::error(ErrorCode::kInvalidArgument, std::string(place), "must be below 2^64");
  return static_cast<std::uint64_t>(value);
}

std::string to_quantity(Uint128 value) {
  std::string digits;
  do {
    digits.push_back("0123456789abcdef"[static_cast<std::size_t>(value & 15)]);
    value >>= 4;
  } while (value > 0);
  digits += "x0";
  std::ranges::reverse(digits);
  return digits;
}

base::Result<Uint128> parse_quantity(std::string_view text, std::string_view place) {
  const auto refused = [&](ErrorCode code, std::string detail) { return base::error(code, std::string(place), std::move(detail)); };
  if (!text.starts_with("0x") || text.size() < 3 || (text.size() > 3 && text[2] == '0'))
    return refused(ErrorCode::kMalformed, "is no hexadecimal quantity");
  Uint128 value = 0;
  for (const char c : text.substr(2)) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return refused(ErrorCode::kMalformed, "is no hexadecimal quantity");
    }
    if (value >> 124 != 0) return refused(ErrorCode::kUnsupported, "is 2^128 or more");
    value = value << 4 | digit;
  }
  return value;
}

}  // namespace blindproof::chain

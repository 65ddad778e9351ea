// Prices: decimal numbers that are exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blindproof::service::http {

/// A billionth is the unit: 9 decimals.
struct Decimal {
  std::int64_t billionths = 0;
};

/// "0", "12.5": no sign, no leading zeros, at most 9 decimals, below a billion.
std::optional<Decimal> parse_decimal(std::string_view text);
/// Shortest form. Nothing if it is above what 64 bits hold.
std::optional<std::string> times(Decimal price, std::int64_t count);

}  // namespace blindproof::service::http

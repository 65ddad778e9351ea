#include "blindproof/service/http/decimal.h"

#include <algorithm>

namespace blindproof::service::http {
namespace {

constexpr std::int64_t kUnit = 1'000'000'000;
constexpr std::size_t kDecimals = 9, kMaxWhole = 9;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t integer(std::string_view digits) {
  std::int64_t value = 0;
  for (const char c : digits) value = 10 * value + (c - '0');
  return value;
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  if (!all_digits(whole) || whole.size() > kMaxWhole || (whole.size() > 1 && whole[0] == '0')) return std::nullopt;
  std::string fraction;
  if (point < text.size()) {
    fraction = text.substr(point + 1);
    if (!all_digits(fraction) || fraction.size() > kDecimals) return std::nullopt;
  }
  fraction.resize(kDecimals, '0');
  return Decimal{integer(whole) * kUnit + integer(fraction)};
}

std::optional<std::string> times(Decimal price, std::int64_t count) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(price.billionths, count, &product) || product < 0) return std::nullopt;
  std::string text = std::to_string(product / kUnit);
  std::string fraction = std::to_string(kUnit + product % kUnit).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? text : text + "." + fraction;
}

}  // namespace blindproof::service::http

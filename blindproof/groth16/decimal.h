// Field elements as files of circom and snarkjs write them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "blindproof/field/prime_field.h"

namespace blindproof::groth16 {

template <class Field>
std::array<std::uint8_t, 32> modulus_bytes() {
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(Field::kModulus[i / 8] >> (8 * (i % 8)));
  return bytes;
}
template <class Field>
bool is_modulus(std::span<const std::uint8_t> bytes) {
  return std::ranges::equal(bytes, modulus_bytes<Field>());
}

std::string limbs_to_decimal(field::Limbs value);
/// Nothing unless it is the decimal number below 2^256 that limbs_to_decimal() writes: digits only, no leading zeros.
std::optional<field::Limbs> limbs_from_decimal(std::string_view text);

template <class Field>
std::string to_decimal(const Field& value) {
  return limbs_to_decimal(value.to_limbs());
}
/// Nothing unless the number is below the modulus.
template <class Field>
std::optional<Field> from_decimal(std::string_view text) {
  const std::optional<field::Limbs> limbs = limbs_from_decimal(text);
  if (!limbs || !field::detail::less(*limbs, Field::kModulus)) return std::nullopt;
  return Field::from_limbs(*limbs);
}

}  // namespace blindproof::groth16

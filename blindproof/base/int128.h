// 128-bit integers, which -Wpedantic would otherwise complain about at each use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "blindproof/base/result.h"

namespace blindproof::base {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

std::string to_string(Int128 value);
/// Errors: kMalformed unless `text` is an optional minus sign and digits, without leading zeros, within 127 bits.
Result<Int128> parse_int128(std::string_view text);

/// Number of bits of |value|: 0 for 0, 1 for 1, 2 for 2 and 3.
int bit_length(Uint128 value) noexcept;

}  // namespace blindproof::base

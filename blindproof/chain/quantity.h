// Amounts and counters of up to 128 bits: as decimal text, and as JSON-RPC's hexadecimal quantities.
#pragma once

#include <string>
#include <string_view>

#include "blindproof/base/int128.h"

namespace blindproof::chain {

using base::Uint128;

std::string to_decimal(Uint128 value);
/// Errors: kInvalidArgument unless `text` is digits without leading zeros, below 2^128; `place` names it.
base::Result<Uint128> parse_decimal(std::string_view text, std::string_view place);
base::Result<std::uint64_t> parse_decimal64(std::string_view text, std::string_view place);

/// "0x0", "0x1a": without leading zeros.
std::string to_quantity(Uint128 value);
/// Errors: kMalformed; kUnsupported for 2^128 and more.
base::Result<Uint128> parse_quantity(std::string_view text, std::string_view place);

}  // namespace blindproof::chain

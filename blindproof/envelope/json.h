// JSON from outside: bounded, and without members that appear twice, which readers would take differently.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "blindproof/base/result.h"

namespace blindproof::envelope {

using Json = nlohmann::json;  // sorted: its maps stay fast whatever names come

inline constexpr int kMaxJsonDepth = 32;

/// Errors: kMalformed, kLimit (more than max_size bytes or nested deeper than kMaxJsonDepth). Their texts don't quote the input.
base::Result<Json> parse_json(std::string_view text, std::size_t max_size);

}  // namespace blindproof::envelope

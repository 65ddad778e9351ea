// Base64url without padding (RFC 4648 section 5), as JOSE uses it. One encoding for each value.
#pragma once

#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"

namespace blindproof::base {

std::string to_base64url(ByteSpan bytes);
/// Errors: kMalformed for any other character, padding, an impossible length or stray bits at the end.
Result<Bytes> from_base64url(std::string_view text);

}  // namespace blindproof::base

// Base64url without padding (RFC 4648, section 5), one text for each value.
#pragma once

#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"

namespace blindproof::chain {

std::string to_base64url(base::ByteSpan bytes);
/// Errors: kMalformed for padding, other characters, impossible lengths, unused bits that aren't zero.
base::Result<base::Bytes> from_base64url(std::string_view text);

}  // namespace blindproof::chain

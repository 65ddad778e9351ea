#include "blindproof/chain/base64url.h"

#include <cstdint>

namespace blindproof::chain {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

base::Error malformed(std::string detail) { return base::error(base::ErrorCode::kMalformed, "base64url", std::move(detail)); }

}  // namespace

std::string to_base64url(base::ByteSpan bytes) {
  std::string out;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = (pending << 8 | byte) & 0x3fff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out.push_back(kAlphabet[pending >> bits & 63]);
    }
  }
  if (bits > 0) out.push_back(kAlphabet[pending << (6 - bits) & 63]);
  return out;
}

base::Result<base::Bytes> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return malformed("no value has " + std::to_string(text.size()) + " characters");
  base::Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return malformed("a character outside A-Z a-z 0-9 - _");
    pending = (pending << 6 | static_cast<std::uint32_t>(digit)) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(pending >> bits & 0xff));
    }
  }
  if ((pending & ((1u << bits) - 1)) != 0) return malformed("the unused bits of the last character are not zero");
  return out;
}

}  // namespace blindproof::chain

#include "blindproof/base/base64url.h"

#include <array>

namespace blindproof::base {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

}  // namespace

std::string to_base64url(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = (buffer << 8 | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) text.push_back(kAlphabet[buffer >> (bits -= 6) & 63]);
  }
  if (bits > 0) text.push_back(kAlphabet[buffer << (6 - bits) & 63]);
  return text;
}

Result<Bytes> from_base64url(std::string_view text) {
  const auto malformed = [](std::string detail) { return error(ErrorCode::kMalformed, "base64url", std::move(detail)); };
  if (text.size() % 4 == 1) return malformed("has an impossible length");
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char character : text) {
    const std::uint8_t value = kValues[static_cast<std::uint8_t>(character)];
    if (value == kNone) return malformed("has a character outside its alphabet");
    buffer = (buffer << 6 | value) & 0xffff;
    bits += 6;
    if (bits >= 8) bytes.push_back(static_cast<std::uint8_t>(buffer >> (bits -= 8)));
  }
  if ((buffer & ((1u << bits) - 1)) != 0) return malformed("has stray bits at its end");
  return bytes;
}

}  // namespace blindproof::base

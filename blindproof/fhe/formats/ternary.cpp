#include "blindproof/fhe/formats/ternary.h"

#include "blindproof/fhe/rlwe/sampling.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::string_view kPlace = "secret key";
constexpr std::uint8_t kTritRange = 243;
constexpr std::size_t kTritsPerByte = 5;

std::size_t content_bytes(std::size_t degree) { return (degree + kTritsPerByte - 1) / kTritsPerByte; }

}  // namespace

// The inverse of rlwe::split_trits; trits beyond the last are 1, which stands for 0.
crypto::SecretBytes join_trits(base::ByteSpan ternary) {
  crypto::SecretBytes content(content_bytes(ternary.size()));
  const std::size_t size = content.size();
  for (std::size_t i = 0; i < size; ++i) {
    unsigned byte = 0;
    for (std::size_t j = kTritsPerByte; j-- > 0;) {
      const std::size_t index = j * size + i;
      byte = 3 * byte + (index < ternary.size() ? (ternary[index] + 1u) & 0xff : 1u);
    }
    content.expose_mutable()[i] = static_cast<std::uint8_t>(byte);
  }
  return content;
}

base::Result<crypto::SecretBytes> split_trits(std::size_t degree, const crypto::SecretBytes& content) {
  unsigned bad = content.size() != content_bytes(degree);
  for (const std::uint8_t byte : content.expose()) bad |= static_cast<unsigned>(byte >= kTritRange);
  if (bad != 0) return base::error(ErrorCode::kMalformed, std::string(kPlace), "the coefficients are not five to a byte");
  crypto::SecretBytes rest = content.clone(), trits(content.size() * kTritsPerByte);
  const std::span<std::uint8_t> bytes = trits.expose_mutable();
  rlwe::split_trits(rest.expose_mutable(), {reinterpret_cast<std::int8_t*>(bytes.data()), bytes.size()});
  for (const std::uint8_t trit : bytes.subspan(degree)) bad |= trit;
  if (bad != 0) return base::error(ErrorCode::kMalformed, std::string(kPlace), "the coefficients beyond the last are not 0");
  return crypto::SecretBytes::copy_of(bytes.first(degree));
}

}  // namespace blindproof::fhe::formats

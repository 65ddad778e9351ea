#include "blindproof/chain/address.h"

#include <algorithm>

#include "blindproof/chain/rlp.h"
#include "blindproof/crypto/keccak.h"

namespace blindproof::chain {

std::string to_text(const Address& address) {
  std::string digits = base::to_hex(address.bytes);
  const auto check = crypto::keccak256(base::as_bytes(digits));
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int nibble = check[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
    if (nibble >= 8 && digits[i] >= 'a') digits[i] = static_cast<char>(digits[i] - 'a' + 'A');
  }
  return "0x" + digits;
}

base::Result<Address> parse_address(std::string_view text, std::string_view place) {
  const auto refused = [&](std::string detail) {
    return base::error(base::ErrorCode::kInvalidArgument, std::string(place), std::move(detail));
  };
  const auto bytes = text.starts_with("0x") ? base::from_hex(text.substr(2)) : base::Result<base::Bytes>(base::Bytes());
  if (!bytes.ok() || bytes->size() != 20) return refused("must be an address: 0x and 40 hexadecimal digits");
  Address address;
  std::ranges::copy(*bytes, address.bytes.begin());
  const bool lower = std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'f'; });
  const bool upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
  if (lower && upper && text != to_text(address))
    return refused("its mixture of upper and lower case (EIP-55's check) is wrong: a digit was mistyped");
  return address;
}

Address contract_address(const Address& sender, std::uint64_t nonce) {
  const auto hash = crypto::keccak256(rlp_list({rlp_bytes(sender.bytes), rlp_integer(nonce)}));
  Address address;
  std::copy(hash.begin() + 12, hash.end(), address.bytes.begin());
  return address;
}

}  // namespace blindproof::chain

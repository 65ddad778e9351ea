// Accounts and contracts of Ethereum: 20 bytes, written with EIP-55's check.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"

namespace blindproof::chain {

struct Address {
  std::array<std::uint8_t, 20> bytes{};

  bool is_zero() const noexcept { return *this == Address{}; }
  auto operator<=>(const Address&) const = default;
};

/// "0x" and 40 digits, upper or lower case by EIP-55.
std::string to_text(const Address& address);
/// Digits of one case, or of both with EIP-55's check.
/// Errors: kInvalidArgument; `place` names what was to be an address.
base::Result<Address> parse_address(std::string_view text, std::string_view place);

/// Where the contract comes to lie that `sender` creates by its transaction of this number.
Address contract_address(const Address& sender, std::uint64_t nonce);

}  // namespace blindproof::chain

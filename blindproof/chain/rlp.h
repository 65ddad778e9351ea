// Recursive length prefixes, Ethereum's encoding of transactions. Encoding only: nothing reads it.
#pragma once

#include <initializer_list>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/quantity.h"

namespace blindproof::chain {

base::Bytes rlp_bytes(base::ByteSpan bytes);
/// Big-endian without leading zeros; zero is the empty string.
base::Bytes rlp_integer(Uint128 value);
/// Of items that are encoded already.
base::Bytes rlp_list(std::span<const base::Bytes> items);
base::Bytes rlp_list(std::initializer_list<base::Bytes> items);

}  // namespace blindproof::chain

// Ethereum transactions with fees by EIP-1559, signed here.
#pragma once

#include <optional>
#include <span>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/address.h"
#include "blindproof/chain/ethereum_key.h"
#include "blindproof/chain/quantity.h"

namespace blindproof::chain {

/// Amounts in wei.
struct Transaction {
  std::uint64_t chain_id = 0;
  std::uint64_t nonce = 0;  // transactions that the sender made before
  Uint128 max_priority_fee_per_gas = 0;
  Uint128 max_fee_per_gas = 0;
  std::uint64_t gas_limit = 0;
  std::optional<Address> to;  // nothing: makes a contract of `data`
  Uint128 value = 0;
  base::Bytes data;
};

/// What is signed: Keccak-256 of 0x02 and the fields.
Digest256 signing_digest(const Transaction& transaction);
/// What a node takes: 0x02 and the RLP of fields and signature.
base::Bytes encode_signed(const Transaction& transaction, const EthereumSignature& signature);
/// By which nodes name it.
Digest256 transaction_hash(base::ByteSpan encoded);

}  // namespace blindproof::chain

#include "blindproof/chain/transaction.h"

#include <algorithm>

#include "blindproof/chain/rlp.h"

namespace blindproof::chain {
namespace {

constexpr std::uint8_t kType = 2;

std::vector<base::Bytes> fields(const Transaction& transaction) {
  return {rlp_integer(transaction.chain_id),
          rlp_integer(transaction.nonce),
          rlp_integer(transaction.max_priority_fee_per_gas),
          rlp_integer(transaction.max_fee_per_gas),
          rlp_integer(transaction.gas_limit),
          transaction.to ? rlp_bytes(transaction.to->bytes) : rlp_bytes({}),
          rlp_integer(transaction.value),
          rlp_bytes(transaction.data),
          rlp_list({})};  // no access list
}

base::Bytes typed(std::span<const base::Bytes> items) {
  base::Bytes out = {kType};
  const base::Bytes list = rlp_list(items);
  out.insert(out.end(), list.begin(), list.end());
  return out;
}

base::Bytes rlp_scalar(base::ByteSpan big_endian) {
  const auto first = std::ranges::find_if(big_endian, [](std::uint8_t b) { return b != 0; });
  return rlp_bytes(base::ByteSpan(first, big_endian.end()));
}

}  // namespace

Digest256 signing_digest(const Transaction& transaction) { return crypto::keccak256(typed(fields(transaction))); }

base::Bytes encode_signed(const Transaction& transaction, const EthereumSignature& signature) {
  std::vector<base::Bytes> items = fields(transaction);
  items.push_back(rlp_integer(signature.y_parity));
  items.push_back(rlp_scalar(signature.r));
  items.push_back(rlp_scalar(signature.s));
  return typed(items);
}

Digest256 transaction_hash(base::ByteSpan encoded) { return crypto::keccak256(encoded); }

}  // namespace blindproof::chain

// What a contract settles for a receipt: the coordinator's signature over it (EIP-712), and the statement that circuits prove.
// docs/spec/receipts.md, section 4.
#pragma once

#include <array>
#include <string>

#include "blindproof/chain/address.h"
#include "blindproof/chain/ethereum_key.h"
#include "blindproof/chain/quantity.h"
#include "blindproof/crypto/keccak.h"

namespace blindproof::chain {

using crypto::Digest256;

struct Settlement {
  std::uint64_t chain_id = 0;
  Address contract;  // the ZKReceiptVerifier
  Digest256 receipt_hash{};
  Address recipient;  // who is paid
  Uint128 amount = 0;
  std::uint64_t nonce = 0;
  std::uint64_t deadline = 0;  // Unix seconds; settled at this time or before

  bool operator==(const Settlement&) const = default;
};

/// What the coordinator signs.
Digest256 eip712_digest(const Settlement& settlement);
/// EIP-712's separator of {name, version, chainId, verifyingContract}.
Digest256 eip712_domain(std::string_view name, std::string_view version, std::uint64_t chain_id, const Address& contract);

/// Poseidon digests, big-endian, below r.
struct InferenceDigests {
  Digest256 model{}, input{}, output{};

  bool operator==(const InferenceDigests&) const = default;
};

/// A proof's public inputs, in the order in which the contract and public.json have them.
struct PublicStatement {
  Uint128 high = 0, low = 0;

  bool operator==(const PublicStatement&) const = default;
};

/// SHA-256 of the 224 bytes of section 4; the two halves are the public inputs of ReceiptAttestation.
Digest256 statement_digest(const Settlement& settlement, const InferenceDigests& digests);
/// Of ModelIntegrity: "blindproof/modl1" || chainId(8) || contract(20) || owner(20) || modelHash(32) || architectureHash(32).
Digest256 registration_digest(std::uint64_t chain_id, const Address& contract, const Address& owner, const Digest256& model_hash,
                              const Digest256& architecture_hash);
PublicStatement split(const Digest256& digest);

/// Below r, the order of BN254's scalar field: what a Poseidon digest is.
bool is_field_element(const Digest256& digest) noexcept;

}  // namespace blindproof::chain

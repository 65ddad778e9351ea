// Proofs attached to receipts. docs/spec/receipts.md, sections 4 and 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "blindproof/chain/json.h"
#include "blindproof/chain/receipt.h"
#include "blindproof/chain/settlement.h"

namespace blindproof::chain {

inline constexpr std::size_t kMaxPublicJsonBytes = 4096;
inline constexpr std::size_t kMaxProofJsonBytes = 16'384;
inline constexpr std::size_t kMaxSettlementBytes = 4096;

struct SignedSettlement {
  Settlement terms;
  std::optional<EthereumSignature> signature;  // the coordinator's
};

JsonValue settlement_json(const SignedSettlement& settlement);
/// Errors: kMalformed.
base::Result<SignedSettlement> parse_settlement(const JsonValue& json, std::string_view place);
base::Result<SignedSettlement> parse_settlement(base::ByteSpan bytes, std::string_view place);
/// The check `attestation.signature`.   Errors: kRejected.
base::Status check_coordinator(const SignedSettlement& settlement, const Address& coordinator);

struct Attestation {
  std::string circuit;
  Digest256 proof_hash{}, public_hash{};
  SignedSettlement settlement;
  InferenceDigests digests;

  /// What the proof's public inputs must be.
  PublicStatement statement() const { return split(statement_digest(settlement.terms, digests)); }
};

JsonValue attestation_json(const Attestation& attestation);
/// Errors: kMalformed.
base::Result<Attestation> parse_attestation(const JsonValue& json, std::string_view place);
/// All of a receipt's, in their order.   Errors: kRejected by `attestation.form`.
base::Result<std::vector<Attestation>> attestations_of(const Receipt& receipt);

/// The checks `attestation.receipt`, `.chain` and `.amount`.   Errors: kRejected.
base::Status check_attestation(const Attestation& attestation, const Receipt& receipt);
/// The checks `attestation.digest` and `.statement` against the files as they are.
/// Errors: kRejected; kMalformed, kLimit for a public.json that is none.
/// Caller must: verify the proof itself against a verification key from a source that is trusted.
base::Status check_files(const Attestation& attestation, base::ByteSpan proof_json, base::ByteSpan public_json);

/// public.json: two decimal texts.   Errors: kMalformed, kLimit.
base::Result<PublicStatement> parse_public_json(base::ByteSpan bytes, std::string_view place);

/// "0x" and 64 lower-case digits.   Errors: kMalformed.
base::Result<Digest256> parse_digest(std::string_view text, std::string_view place);
std::string digest_text(const Digest256& digest);

}  // namespace blindproof::chain

// Our contracts as they are called. docs/spec/contracts.md.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "blindproof/chain/abi.h"
#include "blindproof/chain/attestation.h"
#include "blindproof/chain/node.h"

namespace blindproof::chain {

/// A Groth16 proof in the order that contracts take: A.x, A.y, B.x.c1, B.x.c0, B.y.c1, B.y.c0, C.x, C.y.
using ProofWords = std::array<Word, 8>;

/// snarkjs's proof.json. Says nothing about the points: contract and verifier check those.
/// Errors: kMalformed, kLimit; kUnsupported for another protocol or curve.
base::Result<ProofWords> parse_proof_json(base::ByteSpan bytes, std::string_view place);

/// public.json of any circuit whose verifier a contract can be: 1 to 64 decimal texts.   Errors: kMalformed, kLimit.
base::Result<std::vector<Word>> parse_public_values(base::ByteSpan bytes, std::string_view place);

/// What a Groth16Verifier checks by itself.   Requires: at least one input.
base::Bytes encode_verify_proof(const ProofWords& proof, std::span<const Word> inputs);

/// What ZKReceiptVerifier settles.
struct Submission {
  Address verifier;  // the Groth16Verifier, authorised by the contract's owner
  SignedSettlement settlement;
  InferenceDigests digests;
  ProofWords proof;
};

/// Requires: the settlement is signed.
base::Bytes encode_verify_and_record(const Submission& submission);
base::Bytes encode_verify_receipt_proof(const Submission& submission);
base::Bytes encode_recorded_statement(const Digest256& receipt_hash);

/// AIToken: mints what was recorded.
base::Bytes encode_mint(const Settlement& settlement, const InferenceDigests& digests);
/// JobEscrow: pays what was recorded out of the job's deposit.
base::Bytes encode_release(std::uint64_t job, const Settlement& settlement, const InferenceDigests& digests);

/// What ModelRegistry registers.
struct Registration {
  Address verifier;
  Digest256 model_hash{}, architecture_hash{};
  Digest256 commitment{};  // the model id
  Uint128 price = 0;       // of a unit, in the smallest unit of what the owner charges in
  ProofWords proof;
};
base::Bytes encode_register(const Registration& registration);
/// For a model that is registered; the price stays.
base::Bytes encode_add_version(const Registration& registration, std::uint64_t model);

struct RegisteredVersion {
  std::uint64_t model = 0, version = 0;
};
/// What `registry` says in the transaction's logs that it registered under this model hash.
std::optional<RegisteredVersion> find_version_added(const Execution& execution, const Address& registry, const Digest256& model_hash);

/// The errors of our contracts, for whoever has no artifact at hand.
const Node::Errors& contract_errors();

/// True if `contract` says in the transaction's logs that it recorded this statement for this receipt and recipient.
bool has_proof_verified(const Execution& execution, const Settlement& settlement, const Digest256& statement);

/// True if the token says in the transaction's logs that it minted for this receipt and recipient.
bool has_receipt_minted(const Execution& execution, const Address& token, const Settlement& settlement);
/// True if the escrow says that it released this job for this receipt.
bool has_job_released(const Execution& execution, const Address& escrow, std::uint64_t job, const Settlement& settlement);

}  // namespace blindproof::chain

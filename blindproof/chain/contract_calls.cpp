#include "blindproof/chain/contract_calls.h"

#include <algorithm>

#include "blindproof/base/check.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;
using Kind = JsonValue::Kind;

constexpr std::string_view kSubmissionTypes =
    "(address,(bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32),uint256[8],(bytes32,bytes32,uint8))";
constexpr std::size_t kMostPublicValues = 64;  // of the verifiers that are exported

base::Error malformed(std::string_view place, std::string detail) {
  return base::error(ErrorCode::kMalformed, std::string(place), std::move(detail));
}

AbiValue settlement_value(const Settlement& settlement) {
  return AbiValue::tuple(
      {settlement.receipt_hash, settlement.recipient, settlement.amount, Uint128{settlement.nonce}, Uint128{settlement.deadline}});
}

AbiValue digests_value(const InferenceDigests& digests) { return AbiValue::tuple({digests.model, digests.input, digests.output}); }

AbiValue proof_value(const ProofWords& proof) { return AbiValue::tuple({proof.begin(), proof.end()}); }

base::Bytes encode_submission(std::string_view function, const Submission& submission) {
  BLINDPROOF_CHECK(submission.settlement.signature.has_value(), "an unsigned settlement can't be submitted");
  const EthereumSignature& signature = *submission.settlement.signature;
  return encode_call(std::string(function) + std::string(kSubmissionTypes),
                     {submission.verifier, settlement_value(submission.settlement.terms), digests_value(submission.digests),
                      proof_value(submission.proof), AbiValue::tuple({signature.r, signature.s, Uint128{27u + signature.y_parity}})});
}

// The elements of an array of `size` texts, each a decimal of 256 bits.
base::Result<std::vector<Word>> words(const JsonValue* value, std::size_t size, std::string_view place) {
  if (value == nullptr || !value->is(Kind::kArray) || value->elements.size() != size)
    return malformed(place, "must be an array of " + std::to_string(size));
  std::vector<Word> out;
  for (const JsonValue& element : value->elements) {
    if (!element.is_text()) return malformed(place, "must hold decimal texts");
    const auto word = parse_decimal_word(element.text, place);
    if (!word.ok()) return malformed(place, word.error().detail);
    out.push_back(*word);
  }
  return out;
}

}  // namespace

base::Result<ProofWords> parse_proof_json(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxProofJsonBytes;
  limits.depth = 4;
  limits.values = 64;
  BLINDPROOF_ASSIGN(const JsonValue json, parse_json(bytes, place, limits));
  const JsonValue *protocol = json.find("protocol"), *curve = json.find("curve");
  if (protocol == nullptr || !protocol->is_text() || curve == nullptr || !curve->is_text())
    return malformed(place, "is no proof: protocol or curve is missing");
  if (protocol->text != "groth16" || curve->text != "bn128") {
    return base::error(ErrorCode::kUnsupported, std::string(place), "is no Groth16 proof over bn128");
  }
  const std::string where(place);
  BLINDPROOF_ASSIGN(const std::vector<Word> a, words(json.find("pi_a"), 3, where + ": pi_a"));
  BLINDPROOF_ASSIGN(const std::vector<Word> c, words(json.find("pi_c"), 3, where + ": pi_c"));
  const JsonValue* b = json.find("pi_b");
  if (b == nullptr || !b->is(Kind::kArray) || b->elements.size() != 3) return malformed(where + ": pi_b", "must be an array of 3");
  std::array<std::vector<Word>, 3> pairs;
  for (std::size_t i = 0; i < 3; ++i) {
    BLINDPROOF_ASSIGN(pairs[i], words(&b->elements[i], 2, where + ": pi_b"));
  }
  const Word zero{}, one = word_of(Uint128{1});
  if (a[2] != one || c[2] != one || pairs[2][0] != one || pairs[2][1] != zero)
    return malformed(place, "its points are not affine, or at infinity");
  return ProofWords{a[0], a[1], pairs[0][1], pairs[0][0], pairs[1][1], pairs[1][0], c[0], c[1]};
}

base::Result<std::vector<Word>> parse_public_values(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxProofJsonBytes;
  limits.depth = 2;
  limits.values = kMostPublicValues + 1;
  BLINDPROOF_ASSIGN(const JsonValue json, parse_json(bytes, place, limits));
  if (!json.is(Kind::kArray) || json.elements.empty() || json.elements.size() > kMostPublicValues)
    return malformed(place, "must be an array of 1 to " + std::to_string(kMostPublicValues) + " decimal texts");
  return words(&json, json.elements.size(), place);
}

base::Bytes encode_verify_proof(const ProofWords& proof, std::span<const Word> inputs) {
  BLINDPROOF_CHECK(!inputs.empty(), "a verifier takes at least one input");
  return encode_call("verifyProof(uint256[8],uint256[" + std::to_string(inputs.size()) + "])",
                     {proof_value(proof), AbiValue::tuple({inputs.begin(), inputs.end()})});
}

base::Bytes encode_mint(const Settlement& settlement, const InferenceDigests& digests) {
  return encode_call("mint((bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32))", {settlement_value(settlement), digests_value(digests)});
}

base::Bytes encode_release(std::uint64_t job, const Settlement& settlement, const InferenceDigests& digests) {
  return encode_call("release(uint64,(bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32))",
                     {Uint128{job}, settlement_value(settlement), digests_value(digests)});
}

base::Bytes encode_verify_and_record(const Submission& submission) { return encode_submission("verifyAndRecord", submission); }
base::Bytes encode_verify_receipt_proof(const Submission& submission) { return encode_submission("verifyReceiptProof", submission); }

base::Bytes encode_recorded_statement(const Digest256& receipt_hash) { return encode_call("recordedStatement(bytes32)", {receipt_hash}); }

base::Bytes encode_register(const Registration& registration) {
  return encode_call("register(address,bytes32,bytes32,bytes32,uint128,uint256[8])",
                     {registration.verifier, registration.model_hash, registration.architecture_hash, registration.commitment,
                      registration.price, proof_value(registration.proof)});
}

base::Bytes encode_add_version(const Registration& registration, std::uint64_t model) {
  return encode_call("addVersion(address,uint64,bytes32,bytes32,bytes32,uint256[8])",
                     {registration.verifier, Uint128{model}, registration.model_hash, registration.architecture_hash,
                      registration.commitment, proof_value(registration.proof)});
}

std::optional<RegisteredVersion> find_version_added(const Execution& execution, const Address& registry, const Digest256& model_hash) {
  static const Digest256 event = crypto::keccak256(base::as_bytes("VersionAdded(uint64,uint64,bytes32,bytes32,bytes32,address)"));
  for (const Log& log : execution.logs) {
    if (log.address != registry || log.topics.size() != 4 || log.topics[0] != event || log.topics[3] != model_hash) continue;
    const auto model = integer_of(log.topics[1], "model"), version = integer_of(log.topics[2], "version");
    if (!model.ok() || !version.ok() || *model >> 64 != 0 || *version >> 64 != 0) continue;
    return RegisteredVersion{static_cast<std::uint64_t>(*model), static_cast<std::uint64_t>(*version)};
  }
  return std::nullopt;
}

const Node::Errors& contract_errors() {
  static const Node::Errors errors = [] {
    Node::Errors table;
    for (const char* signature : {"AlreadyConsumed(bytes32)",
                                  "AlreadyRecorded(bytes32)",
                                  "AlreadyRegistered(bytes32,uint64)",
                                  "BatchSize(uint256)",
                                  "CapExceeded(uint256,uint256)",
                                  "ChainIdTooLarge(uint256)",
                                  "ConsumerAlreadySet(address)",
                                  "Expired(uint64)",
                                  "InputNotInField(uint256)",
                                  "InsufficientAllowance(address,address,uint256,uint256)",
                                  "InsufficientBalance(address,uint256,uint256)",
                                  "InvalidPoint()",
                                  "InvalidSignature()",
                                  "JobNotOpen(uint64)",
                                  "MintingIsPaused()",
                                  "NonceNotHigher(uint64)",
                                  "NonceVoided(uint64,uint64)",
                                  "NotConsumer()",
                                  "NotCoordinator(address)",
                                  "NotEnoughGas()",
                                  "NotGuardian(address)",
                                  "NotModelOwner(uint64,address)",
                                  "NotOwner(address)",
                                  "NotPendingModelOwner(uint64,address)",
                                  "NotPendingOwner(address)",
                                  "NotRecorded(bytes32)",
                                  "NotYetRefundable(uint64,uint64)",
                                  "NothingToWithdraw(address)",
                                  "ProofInvalid()",
                                  "TransferFailed(address)",
                                  "VerifierNotAuthorised(address)",
                                  "WrongCircuit(bytes32,bytes32)",
                                  "WrongDeadline(uint64)",
                                  "WrongDeposit(uint256)",
                                  "WrongKey(bytes32,bytes32)",
                                  "WrongSettlement(uint64)",
                                  "ZeroAddress()"}) {
      table.emplace(selector_of(signature), signature);
    }
    return table;
  }();
  return errors;
}

bool has_receipt_minted(const Execution& execution, const Address& token, const Settlement& settlement) {
  static const Digest256 event = crypto::keccak256(base::as_bytes("ReceiptMinted(bytes32,address,uint256)"));
  return std::ranges::any_of(execution.logs, [&](const Log& log) {
    return log.address == token && log.topics.size() == 3 && log.topics[0] == event && log.topics[1] == settlement.receipt_hash &&
           log.topics[2] == word_of(settlement.recipient);
  });
}

bool has_job_released(const Execution& execution, const Address& escrow, std::uint64_t job, const Settlement& settlement) {
  static const Digest256 event = crypto::keccak256(base::as_bytes("JobReleased(uint64,bytes32,bytes32,uint128,uint128)"));
  return std::ranges::any_of(execution.logs, [&](const Log& log) {
    return log.address == escrow && log.topics.size() == 3 && log.topics[0] == event && log.topics[1] == word_of(Uint128{job}) &&
           log.topics[2] == settlement.receipt_hash;
  });
}

bool has_proof_verified(const Execution& execution, const Settlement& settlement, const Digest256& statement) {
  static const Digest256 event = crypto::keccak256(base::as_bytes("ProofVerified(bytes32,address,bytes32,address,address,uint128,uint64)"));
  return std::ranges::any_of(execution.logs, [&](const Log& log) {
    return log.address == settlement.contract && log.topics.size() == 4 && log.topics[0] == event &&
           log.topics[1] == settlement.receipt_hash && log.topics[2] == word_of(settlement.recipient) && log.topics[3] == statement;
  });
}

}  // namespace blindproof::chain

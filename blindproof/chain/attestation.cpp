#include "blindproof/chain/attestation.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace blindproof::chain {
namespace {

using base::ErrorCode;
using Kind = JsonValue::Kind;

base::Error malformed(std::string_view place, std::string detail) {
  return base::error(ErrorCode::kMalformed, std::string(place), std::move(detail));
}
base::Error rejected(std::string_view check, std::string detail) {
  return base::error(ErrorCode::kRejected, std::string(check), std::move(detail));
}

std::string field_place(std::string_view place, std::string_view field) { return std::string(place) + ": " + std::string(field); }

base::Status expect_fields(const JsonValue& json, std::string_view place, std::initializer_list<std::string_view> known) {
  if (!json.is_object()) return malformed(place, "must be a JSON object");
  for (const JsonMember& member : json.members) {
    if (std::ranges::find(known, member.key) == known.end())
      return malformed(place, "has an unknown field, \"" + member.key.substr(0, 64) + "\"");
  }
  return base::Status::good();
}

base::Result<std::string_view> text_field(const JsonValue& json, std::string_view place, std::string_view field) {
  const JsonValue* value = json.find(field);
  if (value == nullptr) return malformed(field_place(place, field), "is missing");
  if (!value->is_text()) return malformed(field_place(place, field), "must be a text");
  return std::string_view(value->text);
}

// The codes of what is typed on a command line become those of a file.
template <class T>
base::Result<T> of_file(base::Result<T> parsed) {
  if (parsed.ok()) return parsed;
  base::Error error = std::move(parsed).error();
  error.code = ErrorCode::kMalformed;
  return error;
}

base::Result<Uint128> decimal_field(const JsonValue& json, std::string_view place, std::string_view field) {
  BLINDPROOF_ASSIGN(const std::string_view text, text_field(json, place, field));
  return of_file(parse_decimal(text, field_place(place, field)));
}

base::Result<std::uint64_t> decimal64_field(const JsonValue& json, std::string_view place, std::string_view field) {
  BLINDPROOF_ASSIGN(const std::string_view text, text_field(json, place, field));
  return of_file(parse_decimal64(text, field_place(place, field)));
}

base::Result<Address> address_field(const JsonValue& json, std::string_view place, std::string_view field) {
  BLINDPROOF_ASSIGN(const std::string_view text, text_field(json, place, field));
  BLINDPROOF_ASSIGN(const Address address, of_file(parse_address(text, field_place(place, field))));
  if (address.is_zero()) return malformed(field_place(place, field), "is the zero address");
  return address;
}

base::Result<Digest256> digest_field(const JsonValue& json, std::string_view place, std::string_view field) {
  BLINDPROOF_ASSIGN(const std::string_view text, text_field(json, place, field));
  return parse_digest(text, field_place(place, field));
}

base::Result<Digest256> element_field(const JsonValue& json, std::string_view place, std::string_view field) {
  BLINDPROOF_ASSIGN(const Digest256 digest, digest_field(json, place, field));
  if (!is_field_element(digest)) return malformed(field_place(place, field), "must be below r, as Poseidon hashes are");
  return digest;
}

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

base::Result<Digest256> parse_digest(std::string_view text, std::string_view place) {
  if (text.size() != 66 || !text.starts_with("0x") || !is_lower_hex(text.substr(2)))
    return malformed(place, "must be 0x and 64 lower-case hexadecimal digits");
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::from_hex(text.substr(2)));
  Digest256 digest;
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

std::string digest_text(const Digest256& digest) { return "0x" + base::to_hex(digest); }

JsonValue settlement_json(const SignedSettlement& settlement) {
  const Settlement& terms = settlement.terms;
  JsonValue json = JsonValue::make_object();
  json.set("chain_id", JsonValue::make_text(to_decimal(terms.chain_id)));
  json.set("contract", JsonValue::make_text(to_text(terms.contract)));
  json.set("receipt_hash", JsonValue::make_text(digest_text(terms.receipt_hash)));
  json.set("recipient", JsonValue::make_text(to_text(terms.recipient)));
  json.set("amount", JsonValue::make_text(to_decimal(terms.amount)));
  json.set("nonce", JsonValue::make_text(to_decimal(terms.nonce)));
  json.set("deadline", JsonValue::make_text(to_decimal(terms.deadline)));
  if (settlement.signature) json.set("signature", JsonValue::make_text("0x" + base::to_hex(settlement.signature->packed())));
  return json;
}

base::Result<SignedSettlement> parse_settlement(const JsonValue& json, std::string_view place) {
  BLINDPROOF_TRY(
      expect_fields(json, place, {"chain_id", "contract", "receipt_hash", "recipient", "amount", "nonce", "deadline", "signature"}));
  SignedSettlement settlement;
  Settlement& terms = settlement.terms;
  BLINDPROOF_ASSIGN(terms.chain_id, decimal64_field(json, place, "chain_id"));
  BLINDPROOF_ASSIGN(terms.contract, address_field(json, place, "contract"));
  BLINDPROOF_ASSIGN(terms.receipt_hash, digest_field(json, place, "receipt_hash"));
  BLINDPROOF_ASSIGN(terms.recipient, address_field(json, place, "recipient"));
  BLINDPROOF_ASSIGN(terms.amount, decimal_field(json, place, "amount"));
  BLINDPROOF_ASSIGN(terms.nonce, decimal64_field(json, place, "nonce"));
  BLINDPROOF_ASSIGN(terms.deadline, decimal64_field(json, place, "deadline"));
  if (json.find("signature") != nullptr) {
    const std::string where = field_place(place, "signature");
    BLINDPROOF_ASSIGN(const std::string_view text, text_field(json, place, "signature"));
    if (text.size() != 132 || !text.starts_with("0x") || !is_lower_hex(text.substr(2)))
      return malformed(where, "must be 0x and 130 lower-case hexadecimal digits");
    BLINDPROOF_ASSIGN(const base::Bytes packed, base::from_hex(text.substr(2)));
    BLINDPROOF_ASSIGN(settlement.signature, EthereumSignature::parse(packed, where));
  }
  return settlement;
}

base::Result<SignedSettlement> parse_settlement(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxSettlementBytes;
  limits.values = 32;
  BLINDPROOF_ASSIGN(const JsonValue json, parse_json(bytes, place, limits));
  return parse_settlement(json, place);
}

base::Status check_coordinator(const SignedSettlement& settlement, const Address& coordinator) {
  constexpr std::string_view kCheck = "attestation.signature";
  if (!settlement.signature) return rejected(kCheck, "the settlement has no signature");
  const auto signer = recover_signer(eip712_digest(settlement.terms), *settlement.signature);
  if (!signer.ok()) return rejected(kCheck, signer.error().detail);
  if (*signer != coordinator)
    return rejected(kCheck, "the settlement was signed by " + to_text(*signer) + ", not by the coordinator " + to_text(coordinator) +
                                ", or altered since");
  return base::Status::good();
}

JsonValue attestation_json(const Attestation& attestation) {
  JsonValue json = JsonValue::make_object();
  json.set("type", JsonValue::make_text("groth16"));
  json.set("circuit", JsonValue::make_text(attestation.circuit));
  json.set("proof_hash", JsonValue::make_text(digest_text(attestation.proof_hash)));
  json.set("public_hash", JsonValue::make_text(digest_text(attestation.public_hash)));
  json.set("settlement", settlement_json(attestation.settlement));
  json.set("model_hash", JsonValue::make_text(digest_text(attestation.digests.model)));
  json.set("input_hash", JsonValue::make_text(digest_text(attestation.digests.input)));
  json.set("output_hash", JsonValue::make_text(digest_text(attestation.digests.output)));
  return json;
}

base::Result<Attestation> parse_attestation(const JsonValue& json, std::string_view place) {
  BLINDPROOF_TRY(expect_fields(json, place,
                               {"type", "circuit", "proof_hash", "public_hash", "settlement", "model_hash", "input_hash", "output_hash"}));
  BLINDPROOF_ASSIGN(const std::string_view type, text_field(json, place, "type"));
  if (type != "groth16") return malformed(field_place(place, "type"), "must be \"groth16\"");
  Attestation attestation;
  BLINDPROOF_ASSIGN(attestation.circuit, text_field(json, place, "circuit"));
  if (attestation.circuit.empty() || attestation.circuit.size() > 256)
    return malformed(field_place(place, "circuit"), "must have 1 to 256 bytes");
  BLINDPROOF_ASSIGN(attestation.proof_hash, digest_field(json, place, "proof_hash"));
  BLINDPROOF_ASSIGN(attestation.public_hash, digest_field(json, place, "public_hash"));
  const JsonValue* settlement = json.find("settlement");
  if (settlement == nullptr) return malformed(field_place(place, "settlement"), "is missing");
  BLINDPROOF_ASSIGN(attestation.settlement, parse_settlement(*settlement, field_place(place, "settlement")));
  BLINDPROOF_ASSIGN(attestation.digests.model, element_field(json, place, "model_hash"));
  BLINDPROOF_ASSIGN(attestation.digests.input, element_field(json, place, "input_hash"));
  BLINDPROOF_ASSIGN(attestation.digests.output, element_field(json, place, "output_hash"));
  return attestation;
}

base::Result<std::vector<Attestation>> attestations_of(const Receipt& receipt) {
  std::vector<Attestation> attestations;
  const JsonValue* list = receipt.json().find("attestations");
  if (list == nullptr) return attestations;
  for (std::size_t i = 0; i < list->elements.size(); ++i) {
    auto attestation = parse_attestation(list->elements[i], "attestation " + std::to_string(i));
    if (!attestation.ok()) return rejected("attestation.form", attestation.error().message());
    attestations.push_back(*std::move(attestation));
  }
  return attestations;
}

base::Status check_attestation(const Attestation& attestation, const Receipt& receipt) {
  const Settlement& terms = attestation.settlement.terms;
  if (terms.receipt_hash != receipt.hash())
    return rejected("attestation.receipt", "is of the receipt with the hash " + base::to_hex(terms.receipt_hash) + ", not of this one");
  if (const auto chain = receipt.chain_id(); chain && *chain != terms.chain_id) {
    return rejected("attestation.chain",
                    "is for the chain " + std::to_string(terms.chain_id) + "; the receipt is for " + std::to_string(*chain));
  }
  if (const auto units = receipt.integer_units(); units && (*units == 0 ? terms.amount != 0 : terms.amount % *units != 0)) {
    return rejected("attestation.amount",
                    "the amount " + to_decimal(terms.amount) + " is no multiple of the receipt's " + std::to_string(*units) + " units");
  }
  return base::Status::good();
}

base::Status check_files(const Attestation& attestation, base::ByteSpan proof_json, base::ByteSpan public_json) {
  if (crypto::sha256(proof_json) != attestation.proof_hash)
    return rejected("attestation.digest", "the proof is another file than the attached one");
  if (crypto::sha256(public_json) != attestation.public_hash)
    return rejected("attestation.digest", "the public inputs are another file than the attached one");
  BLINDPROOF_ASSIGN(const PublicStatement inputs, parse_public_json(public_json, "public inputs"));
  if (inputs != attestation.statement()) {
    return rejected(
        "attestation.statement",
        "the proof's public inputs belong to another receipt, chain, contract, recipient, amount, nonce, deadline, model, input or output");
  }
  return base::Status::good();
}

base::Result<PublicStatement> parse_public_json(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxPublicJsonBytes;
  limits.values = 64;
  BLINDPROOF_ASSIGN(const JsonValue json, parse_json(bytes, place, limits));
  if (!json.is(Kind::kArray) || json.elements.size() != 2 || !json.elements[0].is_text() || !json.elements[1].is_text()) {
    return malformed(place, "must be an array of two decimal texts: the high and the low half of the statement");
  }
  PublicStatement inputs;
  BLINDPROOF_ASSIGN(inputs.high, of_file(parse_decimal(json.elements[0].text, place)));
  BLINDPROOF_ASSIGN(inputs.low, of_file(parse_decimal(json.elements[1].text, place)));
  return inputs;
}

}  // namespace blindproof::chain

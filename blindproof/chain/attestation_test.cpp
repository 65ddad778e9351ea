#include "blindproof/chain/attestation.h"

#include <gtest/gtest.h>

namespace blindproof::chain {
namespace {

using base::ErrorCode;

constexpr std::string_view kProof = R"({"pi_a":["1","2","1"],"protocol":"groth16"})";

Receipt test_receipt() {
  constexpr std::string_view kText =
      R"({"version":"1.0","receipt_id":"r","job_id":"j","provider":"p","client":"c","units":12,"unit_type":"tokens",
    "started_at":1700000000,"completed_at":1700000001,"chain_id":31337})";
  return Receipt::parse(base::as_bytes(kText), "test").value();
}

const EthereumKey& coordinator() {
  static const EthereumKey key = EthereumKey::generate();
  return key;
}

std::string public_json(const PublicStatement& statement) {
  return "[\n \"" + to_decimal(statement.high) + "\",\n \"" + to_decimal(statement.low) + "\"\n]\n";
}

Attestation test_attestation() {
  Attestation attestation;
  attestation.circuit = "receipt_attestation";
  Settlement& terms = attestation.settlement.terms;
  terms.chain_id = 31337;
  terms.contract = parse_address("0x5FbDB2315678afecb367f032d93F642f64180aa3", "test").value();
  terms.receipt_hash = test_receipt().hash();
  terms.recipient = parse_address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "test").value();
  terms.amount = 12 * 1000;
  terms.nonce = ~std::uint64_t{0};
  terms.deadline = 1'900'000'000;
  attestation.settlement.signature = coordinator().sign(eip712_digest(terms));
  attestation.digests.model[31] = 1;
  attestation.digests.input[31] = 2;
  attestation.digests.output[31] = 3;
  attestation.proof_hash = crypto::sha256(base::as_bytes(kProof));
  attestation.public_hash = crypto::sha256(base::as_bytes(public_json(attestation.statement())));
  return attestation;
}

base::Status check_all(const Attestation& attestation, std::string_view proof, std::string_view inputs) {
  BLINDPROOF_TRY(check_attestation(attestation, test_receipt()));
  BLINDPROOF_TRY(check_files(attestation, base::as_bytes(proof), base::as_bytes(inputs)));
  return check_coordinator(attestation.settlement, coordinator().address());
}

TEST(Attestation, GoodOnePassesAndComesBack) {
  const Attestation attestation = test_attestation();
  const std::string inputs = public_json(attestation.statement());
  EXPECT_TRUE(check_all(attestation, kProof, inputs).ok());
  Receipt receipt = test_receipt();
  ASSERT_TRUE(receipt.attach(attestation_json(attestation)).ok());
  const auto read = attestations_of(Receipt::parse(base::as_bytes(receipt.write()), "test").value());
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(write_json(attestation_json((*read)[0])), write_json(attestation_json(attestation)));
  EXPECT_TRUE(check_all((*read)[0], kProof, inputs).ok());
}

TEST(Attestation, EveryAlteredFieldIsRefusedByItsCheck) {
  const std::string inputs = public_json(test_attestation().statement());
  const auto refusal = [&](void (*alter)(Attestation&)) {
    Attestation attestation = test_attestation();
    alter(attestation);
    const auto status = check_all(attestation, kProof, inputs);
    return status.ok() ? std::string("accepted") : status.error().place;
  };
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.receipt_hash[0] ^= 1; }), "attestation.receipt");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.chain_id = 1; }), "attestation.chain");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.amount += 1; }), "attestation.amount");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.amount += 12; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.contract.bytes[0] ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.recipient.bytes[0] ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.nonce ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.terms.deadline ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.digests.model[31] ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.digests.input[31] ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.digests.output[31] ^= 1; }), "attestation.statement");
  EXPECT_EQ(refusal([](Attestation& a) { a.proof_hash[0] ^= 1; }), "attestation.digest");
  EXPECT_EQ(refusal([](Attestation& a) { a.public_hash[0] ^= 1; }), "attestation.digest");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.signature->r[0] ^= 1; }), "attestation.signature");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.signature->s[31] ^= 1; }), "attestation.signature");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.signature->y_parity ^= 1; }), "attestation.signature");
  EXPECT_EQ(refusal([](Attestation& a) { a.settlement.signature.reset(); }), "attestation.signature");
  EXPECT_EQ(refusal([](Attestation&) {}), "accepted");
}

TEST(Attestation, OtherFilesAreRefused) {
  const Attestation attestation = test_attestation();
  const std::string inputs = public_json(attestation.statement());
  EXPECT_EQ(check_all(attestation, std::string(kProof) + "\n", inputs).error().place, "attestation.digest");
  EXPECT_EQ(check_all(attestation, kProof, inputs + "\n").error().place, "attestation.digest");
  EXPECT_EQ(check_coordinator(attestation.settlement, EthereumKey::generate().address()).error().place, "attestation.signature");
}

TEST(Attestation, ZeroUnitsSettleNothing) {
  JsonValue json = test_receipt().json();
  json.set("units", JsonValue::make_number(0));
  const Receipt receipt = Receipt::from_json(json, "test").value();
  Attestation attestation = test_attestation();
  attestation.settlement.terms.receipt_hash = receipt.hash();
  EXPECT_EQ(check_attestation(attestation, receipt).error().place, "attestation.amount");
  attestation.settlement.terms.amount = 0;
  EXPECT_TRUE(check_attestation(attestation, receipt).ok());
}

TEST(Attestation, RefusesFieldsOfAnotherForm) {
  const JsonValue good = attestation_json(test_attestation());
  for (const JsonMember& member : good.members) {
    JsonValue json = good;
    json.remove(member.key);
    EXPECT_FALSE(parse_attestation(json, "test").ok()) << member.key;
    for (const std::string_view wrong : {"null", "1", "[]", "{}", "\"\"", "\"0x\""}) {
      if (member.key == "circuit" && wrong == "\"0x\"") continue;
      json.set(member.key, parse_json(base::as_bytes(wrong), "test").value());
      EXPECT_FALSE(parse_attestation(json, "test").ok()) << member.key << wrong;
    }
  }
  for (const std::string_view field : {"model_hash", "input_hash", "output_hash"}) {
    JsonValue json = good;
    json.set(field, JsonValue::make_text("0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"));
    EXPECT_FALSE(parse_attestation(json, "test").ok()) << field;
  }
  JsonValue extra = good;
  extra.set("verified", JsonValue::make_boolean(true));
  EXPECT_FALSE(parse_attestation(extra, "test").ok());
  Receipt receipt = test_receipt();
  ASSERT_TRUE(receipt.attach(extra).ok());
  EXPECT_EQ(attestations_of(receipt).error().place, "attestation.form");
}

TEST(Attestation, SettlementsOfAnotherFormAreRefused) {
  const JsonValue good = settlement_json(test_attestation().settlement);
  ASSERT_TRUE(parse_settlement(good, "test").ok());
  for (const JsonMember& member : good.members) {
    JsonValue json = good;
    json.remove(member.key);
    EXPECT_EQ(parse_settlement(json, "test").ok(), member.key == "signature") << member.key;
    for (const std::string_view wrong : {"null", "1", "[]", "\"\"", "\"-1\"", "\"0x00\"", "\"0x0000000000000000000000000000000000000000\"",
                                         "\"340282366920938463463374607431768211456\""}) {
      json.set(member.key, parse_json(base::as_bytes(wrong), "test").value());
      EXPECT_EQ(parse_settlement(json, "test").error().code, ErrorCode::kMalformed) << member.key << wrong;
    }
  }
  JsonValue extra = good;
  extra.set("coordinator", JsonValue::make_text("x"));
  EXPECT_FALSE(parse_settlement(extra, "test").ok());
  EXPECT_TRUE(parse_settlement(base::as_bytes(write_json(good)), "test").ok());
  EXPECT_EQ(parse_settlement(base::as_bytes(std::string(5000, ' ')), "test").error().code, ErrorCode::kLimit);
}

TEST(Attestation, PublicInputsAreTwoDecimalTextsBelow128Bits) {
  const auto parsed = parse_public_json(base::as_bytes(R"(["1","340282366920938463463374607431768211455"])"), "test");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->high, Uint128{1});
  EXPECT_EQ(parsed->low, ~Uint128{0});
  for (const std::string_view text : {"[]", "[\"1\"]", "[\"1\",\"2\",\"3\"]", "[1,2]", "[\"1\",\"0x2\"]", "[\"1\",\"02\"]",
                                      "{\"0\":\"1\",\"1\":\"2\"}", "null", "[\"1\",\"340282366920938463463374607431768211456\"]",
                                      "[\"1\",\"21888242871839275222246405745257275088548364400416034343698204186575808495618\"]"}) {
    EXPECT_EQ(parse_public_json(base::as_bytes(text), "test").error().code, ErrorCode::kMalformed) << text;
  }
  EXPECT_EQ(parse_public_json(base::as_bytes(std::string(kMaxPublicJsonBytes + 1, ' ')), "test").error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace blindproof::chain

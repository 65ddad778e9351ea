#include "blindproof/chain/contract_calls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace blindproof::chain {
namespace {

using base::ErrorCode;

constexpr std::string_view kProof = R"({"pi_a":["1","2","1"],"pi_b":[["3","4"],["5","6"],["1","0"]],
  "pi_c":["7","115792089237316195423570985008687907853269984665640564039457584007913129639935","1"],"protocol":"groth16","curve":"bn128"})";

Word word(std::uint64_t value) { return word_of(Uint128{value}); }

std::string hex_words(std::initializer_list<Word> words) {
  std::string text;
  for (const Word& w : words) text += base::to_hex(w);
  return text;
}

TEST(ProofJson, ImaginaryPartsComeFirstAsThePrecompileWantsThem) {
  const ProofWords proof = parse_proof_json(base::as_bytes(kProof), "test").value();
  Word largest;
  largest.fill(0xff);
  EXPECT_EQ(proof, (ProofWords{word(1), word(2), word(4), word(3), word(6), word(5), word(7), largest}));
}

TEST(ProofJson, RefusesWhatIsNoProof) {
  const JsonValue good = parse_json(base::as_bytes(kProof), "test").value();
  const auto code = [&](std::string_view field, std::string_view value) {
    JsonValue json = good;
    json.set(field, parse_json(base::as_bytes(value), "test").value());
    const auto proof = parse_proof_json(base::as_bytes(write_json(json)), "test");
    return proof.ok() ? std::string("ok") : std::string(base::error_code_name(proof.error().code));
  };
  EXPECT_EQ(code("protocol", "\"groth16\""), "ok");
  EXPECT_EQ(code("protocol", "\"plonk\""), "unsupported");
  EXPECT_EQ(code("curve", "\"bls12381\""), "unsupported");
  for (const std::string_view wrong :
       {"null", "[]", "[\"1\",\"2\"]", "[\"1\",\"2\",\"0\"]", "[\"1\",\"2\",\"1\",\"1\"]", "[1,2,1]", "[\"0x1\",\"2\",\"1\"]",
        "[\"01\",\"2\",\"1\"]", "[\"115792089237316195423570985008687907853269984665640564039457584007913129639936\",\"2\",\"1\"]"}) {
    EXPECT_EQ(code("pi_a", wrong), "malformed") << wrong;
    EXPECT_EQ(code("pi_c", wrong), "malformed") << wrong;
    EXPECT_EQ(code("pi_b", wrong), "malformed") << wrong;
  }
  EXPECT_EQ(code("pi_b", R"([["1","2"],["3","4"],["0","0"]])"), "malformed");
  EXPECT_EQ(code("pi_b", R"([["1","2"],["3","4"],["1","1"]])"), "malformed");
  EXPECT_EQ(parse_proof_json(base::as_bytes(std::string(kMaxProofJsonBytes + 1, ' ')), "test").error().code, ErrorCode::kLimit);
}

TEST(ContractCalls, ArgumentsOfSubmissionsAreFlatWords) {
  Submission submission;
  submission.verifier.bytes[19] = 0x11;
  Settlement& terms = submission.settlement.terms;
  terms.receipt_hash = word(0x22);
  terms.recipient.bytes[19] = 0x33;
  terms.amount = 0x44;
  terms.nonce = 0x55;
  terms.deadline = 0x66;
  submission.digests = {word(0x77), word(0x88), word(0x99)};
  submission.proof = parse_proof_json(base::as_bytes(kProof), "test").value();
  submission.settlement.signature = EthereumSignature{word(0xaa), word(0xbb), 1};
  Word largest;
  largest.fill(0xff);
  const std::string arguments =
      hex_words({word(0x11), word(0x22), word(0x33), word(0x44), word(0x55), word(0x66), word(0x77), word(0x88), word(0x99), word(1),
                 word(2),    word(4),    word(3),    word(6),    word(5),    word(7),    largest,    word(0xaa), word(0xbb), word(28)});
  EXPECT_EQ(base::to_hex(encode_verify_and_record(submission)).substr(8), arguments);
  EXPECT_EQ(base::to_hex(encode_verify_receipt_proof(submission)).substr(8), arguments);
  EXPECT_NE(encode_verify_and_record(submission), encode_verify_receipt_proof(submission));
}

TEST(ContractCalls, ClaimsAreTheSettlementAndItsDigests) {
  Settlement terms;
  terms.receipt_hash = word(0x22);
  terms.recipient.bytes[19] = 0x33;
  terms.amount = 0x44;
  terms.nonce = 0x55;
  terms.deadline = 0x66;
  const InferenceDigests digests{word(0x77), word(0x88), word(0x99)};
  const std::string arguments = hex_words({word(0x22), word(0x33), word(0x44), word(0x55), word(0x66), word(0x77), word(0x88), word(0x99)});
  EXPECT_EQ(base::to_hex(encode_mint(terms, digests)).substr(8), arguments);
  EXPECT_EQ(base::to_hex(encode_release(5, terms, digests)).substr(8), hex_words({word(5)}) + arguments);
}

TEST(ContractCalls, ProofsForBareVerifiersEndInTheirPublicValues) {
  const ProofWords proof = parse_proof_json(base::as_bytes(kProof), "test").value();
  std::string expected;
  for (const Word& w : proof) expected += base::to_hex(w);
  const std::vector<Word> inputs = parse_public_values(base::as_bytes(R"(["8","9","10"])"), "test").value();
  const base::Bytes call = encode_verify_proof(proof, inputs);
  EXPECT_EQ(base::to_hex(call).substr(8), expected + hex_words({word(8), word(9), word(10)}));
  const auto selector = selector_of("verifyProof(uint256[8],uint256[3])");
  EXPECT_TRUE(std::equal(selector.begin(), selector.end(), call.begin()));
}

TEST(PublicValues, AreOneTo64DecimalTexts) {
  const auto list = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
    return text + "]";
  };
  const auto code = [](std::string_view text) {
    const auto values = parse_public_values(base::as_bytes(text), "test");
    return values.ok() ? std::string("ok") : std::string(base::error_code_name(values.error().code));
  };
  EXPECT_EQ(parse_public_values(base::as_bytes(list(1)), "test").value().size(), 1u);
  EXPECT_EQ(parse_public_values(base::as_bytes(list(64)), "test").value().size(), 64u);
  for (const std::string_view wrong : {"[]", "{}", "1", "", "[1]", "[\"-1\"]", "[\"01\"]", "[\"0x1\"]", "[[\"1\"]]", "[\"1\"] ]"}) EXPECT_EQ(code(wrong), "malformed") << wrong;
  EXPECT_NE(code(list(65)), "ok");
  EXPECT_EQ(code(std::string(kMaxProofJsonBytes + 1, ' ')), "limit");
}

Execution execution_with(Log log) {
  Execution execution;
  execution.success = true;
  execution.logs.push_back(std::move(log));
  return execution;
}

TEST(ContractCalls, EventsCountFromTheContractAndForTheStatementOnly) {
  Settlement terms;
  terms.contract.bytes[0] = 1;
  terms.receipt_hash = word(2);
  terms.recipient.bytes[0] = 3;
  const Digest256 statement = word(4);
  const Log good{terms.contract,
                 {crypto::keccak256(base::as_bytes("ProofVerified(bytes32,address,bytes32,address,address,uint128,uint64)")),
                  terms.receipt_hash, word_of(terms.recipient), statement},
                 {}};
  EXPECT_TRUE(has_proof_verified(execution_with(good), terms, statement));
  Log other = good;
  other.address.bytes[1] = 1;
  EXPECT_FALSE(has_proof_verified(execution_with(other), terms, statement));
  for (std::size_t i = 0; i < 4; ++i) {
    other = good;
    other.topics[i][31] ^= 1;
    EXPECT_FALSE(has_proof_verified(execution_with(other), terms, statement)) << i;
  }
  other = good;
  other.topics.pop_back();
  EXPECT_FALSE(has_proof_verified(execution_with(other), terms, statement));
  EXPECT_FALSE(has_proof_verified(Execution(), terms, statement));

  const Log added{
      terms.contract,
      {crypto::keccak256(base::as_bytes("VersionAdded(uint64,uint64,bytes32,bytes32,bytes32,address)")), word(5), word(6), word(7)},
      {}};
  const auto version = find_version_added(execution_with(added), terms.contract, word(7));
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(version->model, 5u);
  EXPECT_EQ(version->version, 6u);
  EXPECT_FALSE(find_version_added(execution_with(added), terms.contract, word(8)).has_value());
  EXPECT_FALSE(find_version_added(execution_with(added), terms.recipient, word(7)).has_value());
}

TEST(ContractCalls, PaymentsCountFromTheConsumerForTheReceiptOnly) {
  Settlement terms;
  terms.receipt_hash = word(2);
  terms.recipient.bytes[0] = 3;
  Address consumer;
  consumer.bytes[0] = 4;
  const Log minted{consumer, {crypto::keccak256(base::as_bytes("ReceiptMinted(bytes32,address,uint256)")), terms.receipt_hash, word_of(terms.recipient)}, {}};
  const Log released{consumer, {crypto::keccak256(base::as_bytes("JobReleased(uint64,bytes32,bytes32,uint128,uint128)")), word(5), terms.receipt_hash}, {}};
  const auto mints = [&](const Log& log) { return has_receipt_minted(execution_with(log), consumer, terms); };
  const auto releases = [&](const Log& log) { return has_job_released(execution_with(log), consumer, 5, terms); };
  EXPECT_TRUE(mints(minted));
  EXPECT_TRUE(releases(released));
  EXPECT_FALSE(mints(released));
  EXPECT_FALSE(releases(minted));
  for (std::size_t i = 0; i < 3; ++i) {
    Log other_mint = minted, other_release = released;
    other_mint.topics[i][31] ^= 1;
    other_release.topics[i][31] ^= 1;
    EXPECT_FALSE(mints(other_mint)) << i;
    EXPECT_FALSE(releases(other_release)) << i;
  }
  Log elsewhere = minted;
  elsewhere.address.bytes[1] = 1;
  EXPECT_FALSE(mints(elsewhere));
  elsewhere.topics = released.topics;
  EXPECT_FALSE(releases(elsewhere));
}

// Function, event and error signatures, out of the sources: "name(type,...)" with structs spelled out.
std::set<std::string> signatures_of(const std::filesystem::path& folder, const std::string& keyword) {
  std::string source;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".sol" && entry.path().extension() != ".in") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    source += text.str();
  }
  std::set<std::string> found;
  const std::regex declaration("\\b" + keyword + "\\s+(\\w+)\\(([^)]*)\\)");
  for (std::sregex_iterator it(source.begin(), source.end(), declaration), end; it != end; ++it) {
    std::string types;
    std::stringstream parameters((*it)[2].str());
    for (std::string parameter; std::getline(parameters, parameter, ',');) {
      std::string type;
      std::stringstream(parameter) >> type;
      if (type.empty()) continue;
      if (type == "Settlement") type = "(bytes32,address,uint128,uint64,uint64)";
      if (type == "Digests") type = "(bytes32,bytes32,bytes32)";
      if (type == "Signature") type = "(bytes32,bytes32,uint8)";
      types += (types.empty() ? "" : ",") + type;
    }
    found.insert((*it)[1].str() + "(" + types + ")");
  }
  return found;
}

TEST(ContractCalls, SignaturesAreThoseOfTheContractsSources) {
  const std::filesystem::path contracts = std::filesystem::path(BLINDPROOF_SOURCE_DIR) / "contracts";
  const auto functions = signatures_of(contracts / "src", "function");
  for (const char* signature :
       {"verifyAndRecord(address,(bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32),uint256[8],(bytes32,bytes32,uint8))",
        "verifyReceiptProof(address,(bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32),uint256[8],(bytes32,bytes32,uint8))",
        "mint((bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32))",
        "release(uint64,(bytes32,address,uint128,uint64,uint64),(bytes32,bytes32,bytes32))",
        "register(address,bytes32,bytes32,bytes32,uint128,uint256[8])", "addVersion(address,uint64,bytes32,bytes32,bytes32,uint256[8])"}) {
    EXPECT_TRUE(functions.contains(signature)) << signature;
  }
  const auto events = signatures_of(contracts / "src", "event");
  for (const char* signature : {"ProofVerified(bytes32,address,bytes32,address,address,uint128,uint64)",
                                "VersionAdded(uint64,uint64,bytes32,bytes32,bytes32,address)", "ReceiptMinted(bytes32,address,uint256)",
                                "JobReleased(uint64,bytes32,bytes32,uint128,uint128)"}) {
    EXPECT_TRUE(events.contains(signature)) << signature;
  }
  std::set<std::string> known;
  for (const auto& [selector, signature] : contract_errors()) known.insert(signature);
  auto errors = signatures_of(contracts / "src", "error");
  errors.merge(signatures_of(contracts / "templates", "error"));
  EXPECT_EQ(known, errors);
}

}  // namespace
}  // namespace blindproof::chain

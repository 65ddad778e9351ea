#include "blindproof/engine/solidity_verifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "blindproof/base/bytes.h"
#include "blindproof/base/file.h"
#include "blindproof/curve/pairing.h"
#include "blindproof/engine/groth16_files.h"
#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/groth16/r1cs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using curve::Fq2;
using curve::G1Affine;
using curve::G2Affine;
using field::Fq;
using field::Fr;

G1Affine g1(std::uint64_t scalar) { return (G1Affine::generator() * Fr::from_u64(scalar)).to_affine(); }
G2Affine g2(std::uint64_t scalar) { return (G2Affine::generator() * Fr::from_u64(scalar)).to_affine(); }

groth16::VerificationKey key_of(std::size_t inputs) {
  groth16::VerificationKey key{g1(11), g2(12), g2(1), g2(14), {}};
  for (std::size_t i = 0; i <= inputs; ++i) key.ic.push_back(g1(100 + i));
  return key;
}

SolidityVerifierOptions options_of(std::string contract = "Verifier") {
  SolidityVerifierOptions options;
  options.contract = std::move(contract);
  options.circuit_hash.fill(0xc1);
  return options;
}

// The value of a constant in a contract.
std::string constant(const std::string& text, const std::string& name) {
  const std::regex pattern("constant " + name + " = 0x([0-9a-f]{64});");
  std::smatch match;
  EXPECT_TRUE(std::regex_search(text, match, pattern)) << name;
  return match.empty() ? std::string() : match[1].str();
}

Fq coordinate(const std::string& text, const std::string& name) {
  const auto bytes = base::from_hex(constant(text, name));
  std::array<std::uint8_t, 32> little{};
  if (bytes.ok() && bytes->size() == 32) std::reverse_copy(bytes->begin(), bytes->end(), little.begin());
  const auto value = Fq::from_bytes(little);
  EXPECT_TRUE(value.has_value()) << name;
  return value.value_or(Fq::zero());
}
G1Affine point_g1(const std::string& text, const std::string& name) { return {coordinate(text, name + "_X"), coordinate(text, name + "_Y")}; }
G2Affine point_g2(const std::string& text, const std::string& name) {
  return {{coordinate(text, name + "_X0"), coordinate(text, name + "_X1")}, {coordinate(text, name + "_Y0"), coordinate(text, name + "_Y1")}};
}

TEST(SolidityVerifier, ItsConstantsAreTheKeys) {
  for (const std::size_t inputs : {std::size_t{1}, std::size_t{2}, std::size_t{3}, kMaxSolidityInputs}) {
    const auto key = key_of(inputs);
    const auto text = write_solidity_verifier(key, options_of());
    ASSERT_TRUE(text.ok()) << text.error().message();
    EXPECT_EQ(point_g1(*text, "ALPHA"), key.alpha);
    EXPECT_EQ(point_g2(*text, "MINUS_BETA"), -key.beta);
    EXPECT_EQ(point_g2(*text, "MINUS_GAMMA"), -key.gamma);
    EXPECT_EQ(point_g2(*text, "MINUS_DELTA"), -key.delta);
    for (std::size_t i = 0; i <= inputs; ++i) EXPECT_EQ(point_g1(*text, "IC" + std::to_string(i)), key.ic[i]) << i;
    EXPECT_EQ(text->find("IC" + std::to_string(inputs + 1)), std::string::npos);
    EXPECT_NE(text->find("uint256[" + std::to_string(inputs) + "] calldata inputs"), std::string::npos);
    EXPECT_EQ(constant(*text, "CIRCUIT_HASH"), base::to_hex(options_of().circuit_hash));
    EXPECT_EQ(constant(*text, "KEY_HASH"), base::to_hex(verification_key_hash(key)));
  }
}

TEST(SolidityVerifier, EveryInputHasItsTerm) {
  const auto text = write_solidity_verifier(key_of(3), options_of());
  ASSERT_TRUE(text.ok());
  for (const char* term : {"addTerm(sum, IC1_X, IC1_Y, calldataload(add(inputs, 0)), 0,", "addTerm(sum, IC2_X, IC2_Y, calldataload(add(inputs, 32)), 1,",
                           "addTerm(sum, IC3_X, IC3_Y, calldataload(add(inputs, 64)), 2,"}) {
    EXPECT_NE(text->find(term), std::string::npos) << term;
  }
}

TEST(SolidityVerifier, LeavesNoNameOfTheTemplate) {
  const auto text = write_solidity_verifier(key_of(2), options_of("My_Verifier2"));
  ASSERT_TRUE(text.ok());
  EXPECT_FALSE(std::regex_search(*text, std::regex("@[A-Z0-9_]+@")));
  EXPECT_NE(text->find("contract My_Verifier2 {"), std::string::npos);
}

TEST(SolidityVerifier, KeyHashIsOfTheSpecifiedBytes) {
  const auto key = key_of(2);
  base::Bytes bytes;
  for (const char c : std::string_view("blindproof/vkey1")) bytes.push_back(static_cast<std::uint8_t>(c));
  bytes.insert(bytes.end(), {0, 0, 0, 0, 0, 0, 0, 2});
  const auto add = [&](const Fq& value) {
    const auto little = value.to_bytes();
    bytes.insert(bytes.end(), little.rbegin(), little.rend());
  };
  const auto add_g1 = [&](const G1Affine& p) {
    add(p.x);
    add(p.y);
  };
  add_g1(key.alpha);
  for (const G2Affine& p : {key.beta, key.gamma, key.delta}) {
    for (const Fq& c : {p.x.c1, p.x.c0, p.y.c1, p.y.c0}) add(c);
  }
  for (const G1Affine& p : key.ic) add_g1(p);
  EXPECT_EQ(verification_key_hash(key), crypto::sha256(bytes));
}

TEST(SolidityVerifier, KeyHashDependsOnEveryPoint) {
  const auto key = key_of(2);
  std::vector<groth16::VerificationKey> others(8, key);
  others[0].alpha = g1(7);
  others[1].beta = g2(7);
  others[2].gamma = g2(7);
  others[3].delta = g2(7);
  others[4].ic[0] = g1(7);
  others[5].ic[2] = g1(7);
  others[6].ic.pop_back();
  others[7].delta = -key.delta;
  for (const auto& other : others) EXPECT_NE(verification_key_hash(other), verification_key_hash(key));
}

TEST(SolidityVerifier, RefusesKeysWhoseProofsCanBeForged) {
  const auto refuses = [](const groth16::VerificationKey& key, std::string_view place) {
    const auto text = write_solidity_verifier(key, options_of());
    ASSERT_FALSE(text.ok()) << place;
    EXPECT_EQ(text.error().code, ErrorCode::kRejected);
    EXPECT_EQ(text.error().place, place);
  };
  auto key = key_of(2);
  key.delta = key.gamma = g2(5);
  refuses(key, "key.gamma");
  key.delta = -key.gamma;
  refuses(key, "key.gamma");
  key = key_of(2);
  key.gamma = g2(13);
  key.delta = G2Affine::generator();
  refuses(key, "key.delta");
  for (G2Affine groth16::VerificationKey::* point : {&groth16::VerificationKey::beta, &groth16::VerificationKey::gamma, &groth16::VerificationKey::delta}) {
    key = key_of(2);
    key.*point = G2Affine::identity();
    refuses(key, "key.identity");
  }
  key = key_of(2);
  key.ic[2] = G1Affine::identity();
  refuses(key, "key.ic");
  refuses(key_of(0), "key.ic");
  key.ic.clear();
  refuses(key, "key.ic");
}

TEST(SolidityVerifier, RefusesPointsOutsideTheirGroups) {
  const auto refuses = [](const groth16::VerificationKey& key) {
    const auto text = write_solidity_verifier(key, options_of());
    ASSERT_FALSE(text.ok());
    EXPECT_EQ(text.error().code, ErrorCode::kRejected);
  };
  auto key = key_of(2);
  key.alpha.y = key.alpha.y + Fq::one();
  refuses(key);
  key = key_of(2);
  key.ic[1].x = key.ic[1].x + Fq::one();
  refuses(key);
  for (G2Affine groth16::VerificationKey::* point : {&groth16::VerificationKey::beta, &groth16::VerificationKey::gamma, &groth16::VerificationKey::delta}) {
    key = key_of(2);
    (key.*point).y = (key.*point).y + Fq2::one();
    refuses(key);
  }
  // On the curve, but not of order r: most points of the twist.
  const G2Affine generator = G2Affine::generator();
  const Fq2 b = generator.y.squared() - generator.x.squared() * generator.x;
  Fq2 x = Fq2::one();
  std::optional<Fq2> y;
  while (!(y = (x.squared() * x + b).square_root())) x += Fq2::one();
  const G2Affine outside{x, *y};
  ASSERT_TRUE(outside.is_on_curve());
  ASSERT_FALSE(outside.is_in_group());
  key = key_of(2);
  key.beta = outside;
  refuses(key);
}

TEST(SolidityVerifier, RefusesMoreInputsThanContractsTake) {
  const auto text = write_solidity_verifier(key_of(kMaxSolidityInputs + 1), options_of());
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kLimit);
}

TEST(SolidityVerifier, RefusesNamesThatWouldBeMoreThanAName) {
  for (const std::string& name : {std::string(), std::string("1A"), std::string("_A"), std::string("A B"), std::string("A{}"), std::string("A\n"), std::string("\xc3\xa4"),
                                  std::string(65, 'A')}) {
    const auto text = write_solidity_verifier(key_of(2), options_of(name));
    ASSERT_FALSE(text.ok()) << name;
    EXPECT_EQ(text.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(write_solidity_verifier(key_of(2), options_of(std::string(64, 'A'))).ok());
}

class ExportVerifier : public TemporaryFolderTest {
 protected:
  void write(const std::string& name, std::string_view text) { ASSERT_TRUE(base::write_file_atomic(folder() / name, base::as_bytes(text)).ok()); }

  // A circuit with the given numbers of public values, and one constraint.
  base::Bytes circuit(std::uint32_t outputs, std::uint32_t inputs) {
    groth16::R1cs r1cs;
    r1cs.wires = 2 + outputs + inputs;
    r1cs.outputs = outputs;
    r1cs.inputs = inputs;
    r1cs.private_inputs = 1;
    for (groth16::Combinations* combination : {&r1cs.a, &r1cs.b, &r1cs.c}) {
      combination->add_term(1, Fr::one());
      combination->end_combination();
    }
    return groth16::write_r1cs(r1cs);
  }

  ExportVerifierRequest request() const {
    ExportVerifierRequest request;
    request.key = folder() / "vk.json";
    request.circuit = folder() / "c.r1cs";
    request.out = folder() / "V.sol";
    request.contract = "V";
    return request;
  }
};

TEST_F(ExportVerifier, WritesTheContractOfTheKeyAndTheCircuit) {
  const auto bytes = circuit(1, 1);
  write("vk.json", verification_key_json(key_of(2), false));
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", bytes).ok());
  const auto exported = export_verifier(request());
  ASSERT_TRUE(exported.ok()) << exported.error().message();
  EXPECT_EQ(exported->circuit_hash, crypto::sha256(bytes));
  EXPECT_EQ(exported->key_hash, verification_key_hash(key_of(2)));
  EXPECT_EQ(exported->inputs, 2U);
  EXPECT_FALSE(exported->insecure_key);
  const auto written = base::read_file(request().out, 1 << 20);
  ASSERT_TRUE(written.ok());
  SolidityVerifierOptions options{"V", crypto::sha256(bytes), false};
  const auto expected = write_solidity_verifier(key_of(2), options);
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(std::string(written->begin(), written->end()), *expected);
  EXPECT_EQ(expected->find("INSECURE"), std::string::npos);
}

TEST_F(ExportVerifier, RefusesACircuitWithAnotherNumberOfPublicValues) {
  write("vk.json", verification_key_json(key_of(2), false));
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", circuit(1, 2)).ok());
  const auto exported = export_verifier(request());
  ASSERT_FALSE(exported.ok());
  EXPECT_EQ(exported.error().code, ErrorCode::kMismatch);
  EXPECT_FALSE(std::filesystem::exists(request().out));
}

TEST_F(ExportVerifier, RefusesDevelopmentKeysUnlessTheyAreAllowedAndMarksTheirContracts) {
  write("vk.json", verification_key_json(key_of(2), true));
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", circuit(0, 2)).ok());
  ExportVerifierRequest asked = request();
  const auto refused = export_verifier(asked);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().place, "key.development");
  asked.allow_development = true;
  const auto exported = export_verifier(asked);
  ASSERT_TRUE(exported.ok()) << exported.error().message();
  EXPECT_TRUE(exported->insecure_key);
  const auto written = base::read_file(asked.out, 1 << 20);
  ASSERT_TRUE(written.ok());
  EXPECT_NE(std::string(written->begin(), written->end()).find("// INSECURE"), std::string::npos);
}

TEST_F(ExportVerifier, ChecksThatAContractIsOfItsKeyAndItsCircuit) {
  write("vk.json", verification_key_json(key_of(2), false));
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", circuit(1, 1)).ok());
  ExportVerifierRequest asked = request();
  asked.check = true;
  EXPECT_EQ(export_verifier(asked).error().code, ErrorCode::kIo);  // nothing is written
  ASSERT_TRUE(export_verifier(request()).ok());
  EXPECT_TRUE(export_verifier(asked).ok());

  const auto refuses = [&] {
    const auto checked = export_verifier(asked);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, ErrorCode::kMismatch);
  };
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", circuit(2, 0)).ok());  // another circuit
  refuses();
  ASSERT_TRUE(base::write_file_atomic(folder() / "c.r1cs", circuit(1, 1)).ok());
  auto other = key_of(2);
  other.delta = g2(15);
  write("vk.json", verification_key_json(other, false));
  refuses();
  write("vk.json", verification_key_json(key_of(2), false));
  EXPECT_TRUE(export_verifier(asked).ok());
  auto text = base::read_file(asked.out, 1 << 20);
  ASSERT_TRUE(text.ok());
  text->push_back('\n');
  ASSERT_TRUE(base::write_file_atomic(asked.out, *text).ok());
  refuses();
}

TEST_F(ExportVerifier, RefusesFilesThatAreNoKeyOrNoCircuit) {
  write("vk.json", "{}");
  write("c.r1cs", "r1cs");
  EXPECT_EQ(export_verifier(request()).error().code, ErrorCode::kMalformed);
  write("vk.json", verification_key_json(key_of(2), false));
  EXPECT_EQ(export_verifier(request()).error().code, ErrorCode::kMalformed);
  std::filesystem::remove(folder() / "c.r1cs");
  EXPECT_EQ(export_verifier(request()).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace blindproof::engine

#include <gtest/gtest.h>

#include "blindproof/curve/fixed_base.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/groth16_test_support.h"
#include "blindproof/groth16/prove.h"
#include "blindproof/groth16/setup.h"
#include "blindproof/groth16/witness.h"

namespace blindproof::groth16 {
namespace {

Zkey key_of(const R1cs& r1cs, const Folder& folder) {
  const base::Status written = setup_for_development(r1cs, folder / "k.zkey");
  EXPECT_TRUE(written.ok());
  return Zkey::open(folder / "k.zkey").value();
}

std::string rejecting_check(const VerificationKey& key, std::span<const Fr> values, const Proof& proof) {
  const base::Status status = verify(key, values, proof);
  return status.ok() ? "" : status.error().place;
}

TEST(Decimals, AgreeWithIntegersAndAreCanonical) {
  for (const char* text : {"0", "1", "18446744073709551616", "21888242871839275222246405745257275088548364400416034343698204186575808495616"}) {
    EXPECT_EQ(to_decimal(*from_decimal<Fr>(text)), text);
  }
  EXPECT_EQ(*from_decimal<Fr>("18446744073709551616"), Fr::power_of_two(64));
  for (const char* text : {"", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "1e3", "21888242871839275222246405745257275088548364400416034343698204186575808495617",
                           "115792089237316195423570985008687907853269984665640564039457584007913129639936"}) {
    EXPECT_FALSE(from_decimal<Fr>(text).has_value()) << text;
  }
}

TEST(Groth16, ProofsVerifyForEverySizeOfDomain) {
  for (const std::size_t squares : {1u, 3u, 5u, 6u, 30u, 100u, 1000u}) {
    const Folder folder;
    const Power circuit(squares);
    ASSERT_EQ(first_violation(circuit.r1cs, circuit.witness), circuit.r1cs.constraints());
    const Zkey key = key_of(circuit.r1cs, folder);
    EXPECT_TRUE(key.insecure());
    const auto proof = prove(key, circuit.witness);
    ASSERT_TRUE(proof.ok()) << proof.error().message();
    const VerificationKey vk = key.verification_key().value();
    EXPECT_EQ(rejecting_check(vk, circuit.public_values(), *proof), "");
    EXPECT_FALSE(*prove(key, circuit.witness) == *proof) << "proofs are blinded";
    // The same output of another private input, whose sign squares forget: zero-knowledge can't be seen, but validity can.
    Power other(squares);
    other.witness[3] = -other.witness[3];
    EXPECT_EQ(rejecting_check(vk, circuit.public_values(), prove(key, other.witness).value()), "");
  }
}

TEST(Groth16, FalseStatementsAndAlteredProofsAreRejected) {
  const Folder folder;
  const Power circuit(10);
  const Zkey key = key_of(circuit.r1cs, folder);
  const VerificationKey vk = key.verification_key().value();
  const Proof proof = prove(key, circuit.witness).value();
  std::vector<Fr> values(circuit.public_values().begin(), circuit.public_values().end());
  for (Fr& value : values) {
    value += Fr::one();
    EXPECT_EQ(rejecting_check(vk, values, proof), "pairing");
    value -= Fr::one();
  }
  EXPECT_EQ(rejecting_check(vk, std::span(values).first(1), proof), "public values");
  Proof altered = proof;
  altered.a = -altered.a;
  EXPECT_EQ(rejecting_check(vk, values, altered), "pairing");
  altered.b = -altered.b;  // Groth16 proofs are malleable: this one is as good
  EXPECT_EQ(rejecting_check(vk, values, altered), "");
  altered = proof;
  altered.a.y += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, altered), "proof.a");
  altered = proof;
  altered.b.x.c1 += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, altered), "proof.b");
  altered = proof;
  altered.c.x += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, altered), "proof.c");
  std::vector<Fr> wrong = circuit.witness;
  wrong[5] += Fr::one();
  EXPECT_EQ(prove(key, wrong).error().code, base::ErrorCode::kInvalidArgument);
  wrong = circuit.witness;
  wrong[0] = Fr::from_u64(2);
  EXPECT_EQ(prove(key, wrong).error().code, base::ErrorCode::kMismatch);
  wrong.pop_back();
  EXPECT_EQ(prove(key, wrong).error().code, base::ErrorCode::kMismatch);
}

// Each with the proof that only this check keeps out.
TEST(Groth16, KeysThatAnybodyCanForgeForAreRefused) {
  const Folder folder;
  const Power circuit(4);
  const Zkey key = key_of(circuit.r1cs, folder);
  const VerificationKey good = key.verification_key().value();
  const std::vector<Fr> values{Fr::from_u64(1), Fr::from_u64(2)};  // of which nobody knows a witness
  const curve::G1 statement = curve::G1(good.ic[0]) + good.ic[1] * values[0] + good.ic[2] * values[1];

  VerificationKey vk = good;
  vk.delta = vk.gamma;
  // e(A, B) = e(alpha, beta) e(statement + C, gamma)
  EXPECT_EQ(rejecting_check(vk, values, {vk.alpha, vk.beta, (-statement).to_affine()}), "key.gamma");
  vk.delta = -vk.gamma;
  EXPECT_EQ(rejecting_check(vk, values, {vk.alpha, vk.beta, statement.to_affine()}), "key.gamma");
  vk = good;
  vk.gamma = G2Affine::generator() == vk.gamma ? (curve::G2(vk.gamma) * Fr::from_u64(2)).to_affine() : vk.gamma;
  vk.delta = G2Affine::generator();
  // gamma = 2 delta: C = -2 statement
  EXPECT_EQ(rejecting_check(vk, values, {vk.alpha, vk.beta, (-statement.doubled()).to_affine()}), "key.delta");
  vk = good;
  vk.delta = G2Affine::identity();
  EXPECT_EQ(rejecting_check(vk, values, {vk.alpha, vk.beta, vk.alpha}), "key.identity");
  vk = good;
  vk.alpha.x += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, {good.alpha, vk.beta, good.alpha}), "key.alpha");
  vk = good;
  vk.beta.x.c0 += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, {good.alpha, good.beta, good.alpha}), "key.beta");
  vk = good;
  vk.ic[1].x += Fq::one();
  EXPECT_EQ(rejecting_check(vk, values, {good.alpha, good.beta, good.alpha}), "key.ic");
}

TEST(Files, ConstraintsAndWitnessesReadBackAsTheyWere) {
  const Power circuit(9);
  const R1cs r1cs = parse_r1cs(write_r1cs(circuit.r1cs), "circuit").value();
  EXPECT_EQ(r1cs.constraints(), circuit.r1cs.constraints());
  EXPECT_EQ(write_r1cs(r1cs), write_r1cs(circuit.r1cs));
  EXPECT_EQ(parse_witness(write_witness(circuit.witness), "witness").value(), circuit.witness);
}

TEST(Files, AlteredAndTruncatedOnesEndWithAnErrorOrAreHarmless) {
  const Folder folder;
  const Power circuit(3);
  (void)key_of(circuit.r1cs, folder);
  const base::Bytes zkey = base::read_file(folder / "k.zkey", 1 << 20).value();
  const base::Bytes r1cs = write_r1cs(circuit.r1cs), witness = write_witness(circuit.witness);
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    for (const base::Bytes* original : {&zkey, &r1cs, &witness}) {
      base::Bytes bytes = *original;
      if (i % 3 == 0) {
        bytes.resize(random() % bytes.size());
      } else {
        bytes[random() % (i % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 120))] ^= static_cast<std::uint8_t>(1 << random() % 8);
      }
      if (original == &zkey) {
        const auto key = Zkey::of(bytes, "key");
        if (!key.ok()) continue;
        const auto proof = prove(*key, circuit.witness);
        if (!proof.ok()) continue;
        EXPECT_TRUE(verify(key->verification_key().value(), circuit.public_values(), *proof).ok());
        if (i > 300) break;
      } else if (original == &r1cs) {
        const auto parsed = parse_r1cs(bytes, "circuit");
        if (parsed.ok()) {
          EXPECT_LE(parsed->constraints(), circuit.r1cs.constraints());
        }
      } else {
        (void)parse_witness(bytes, "witness");
      }
    }
  }
}

}  // namespace
}  // namespace blindproof::groth16

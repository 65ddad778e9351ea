// Every way to hand a verifier something else than what was proven.
#include <gtest/gtest.h>

#include "blindproof/hybrid/proof.h"
#include "blindproof/hybrid/proof_test_support.h"

namespace blindproof::hybrid {
namespace {

using proof::zk::place_of;

// One accepted proof with what its verifier holds.
class TamperedHybridProof : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    state_ = new State{make_job(commit_model(make_graph(Kind::kNetwork, 3, 2, 2))), {}, {}, {}};
    State& state = *state_;
    Statement& statement = state.job.statement;
    statement.public_key.fill(1);
    statement.input.fill(2);
    statement.output.fill(3);
    state.expected = {statement.plaintext_modulus, statement.flood_bits, statement.records, statement.public_key, statement.input,
                      statement.output};
    auto registered = zkml::RegisteredModel::check(state.job.model->shared_key());
    state.model.emplace(*BoundedModel::check(*registered, *prove_bounds(*state.job.model)));
    const auto vectors = state.job.vectors();
    state.proof = *prove_evaluation(*state.job.model, statement, *state.job.ring, vectors->values, vectors->witness);
  }
  static void TearDownTestSuite() {
    delete state_;
    state_ = nullptr;
  }

  struct State {
    Job job;
    Expected expected;
    std::optional<BoundedModel> model;
    HybridProof proof;
  };

  static std::string place(const HybridProof& proof, const Expected& expected, const Job& job) {
    return place_of(verify_evaluation(*state_->model, proof, expected, *job.ring, job.vectors()->values));
  }
  static std::string place(const HybridProof& proof) { return place(proof, state_->expected, state_->job); }

  static State* state_;
};
TamperedHybridProof::State* TamperedHybridProof::state_ = nullptr;

TEST_F(TamperedHybridProof, IsAcceptedUntouched) { EXPECT_EQ(place(state_->proof), "accepted"); }

TEST_F(TamperedHybridProof, OfOtherThingsThanTheVerifierHoldsIsRefused) {
  const auto refused_at = [&](auto alter) {
    HybridProof proof = state_->proof;
    alter(proof.statement);
    return place(proof);
  };
  EXPECT_EQ(refused_at([](Statement& s) { s.model[0] ^= 1; }), "statement.model");
  EXPECT_EQ(refused_at([](Statement& s) { s.public_key[31] ^= 1; }), "statement.public_key");
  EXPECT_EQ(refused_at([](Statement& s) { s.input[5] ^= 1; }), "statement.input");
  EXPECT_EQ(refused_at([](Statement& s) { s.output[5] ^= 1; }), "statement.output");
  EXPECT_EQ(refused_at([](Statement& s) { s.plaintext_modulus += 2; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.flood_bits += std::uint32_t{kLimbBits}; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.flood_bits -= std::uint32_t{kLimbBits}; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.records -= 1; }), "statement.records");
}

// A verifier that wants the altered thing still refuses the proof: the challenges depend on all of it.
TEST_F(TamperedHybridProof, IsGoodForNoOtherStatement) {
  const auto refused_at = [&](auto alter) {
    HybridProof proof = state_->proof;
    Expected expected = state_->expected;
    alter(proof.statement);
    expected = {proof.statement.plaintext_modulus, proof.statement.flood_bits, proof.statement.records, proof.statement.public_key,
                proof.statement.input, proof.statement.output};
    return place(proof, expected, state_->job);
  };
  EXPECT_EQ(refused_at([](Statement&) {}), "accepted");
  EXPECT_EQ(refused_at([](Statement& s) { s.public_key[0] ^= 1; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.input[0] ^= 1; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.output[0] ^= 1; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.plaintext_modulus += 2; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.evaluations += 1; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.records -= 1; }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.records = 0; }), "statement.records");
  EXPECT_EQ(refused_at([](Statement& s) { s.records = 65; }), "statement.records");
  EXPECT_EQ(refused_at([](Statement& s) { s.flood_bits += 1; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.flood_bits = kMaxFloodBits + 16; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.flood_bits = 0; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.plaintext_modulus = 0; }), "statement.parameters");
  EXPECT_EQ(refused_at([](Statement& s) { s.context.push_back(0); }), "sigma");
  EXPECT_EQ(refused_at([](Statement& s) { s.context.clear(); }), "sigma");
}

// The digests alone are not trusted: other values under the same digests are refused too.
TEST_F(TamperedHybridProof, IsGoodForNoOtherValues) {
  const auto refused_at = [&](auto alter) {
    Job job = state_->job;
    alter(job);
    return place(state_->proof, state_->expected, job);
  };
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(refused_at([&](Job& j) { j.key[k][3] += Fr::one(); }), "sigma");
    EXPECT_EQ(refused_at([&](Job& j) { j.inputs[1][k][0] += Fr::one(); }), "sigma");
  }
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(refused_at([&](Job& j) { j.outputs[1][k][7] += Fr::one(); }), "sigma");
  }
  EXPECT_EQ(refused_at([](Job& j) { j.vanishing[2] += Fr::one(); }), "sigma");
  EXPECT_EQ(refused_at([](Job& j) { std::swap(j.inputs[0], j.inputs[1]); }), "sigma");
  EXPECT_EQ(refused_at([](Job& j) { std::swap(j.outputs[0], j.outputs[1]); }), "sigma");
  EXPECT_EQ(refused_at([](Job& j) { j.inputs.pop_back(); }), "input");
  EXPECT_EQ(refused_at([](Job& j) { j.inputs.push_back(j.inputs[0]); }), "input");
  EXPECT_EQ(refused_at([](Job& j) { j.inputs[0][1].pop_back(); }), "input");
  EXPECT_EQ(refused_at([](Job& j) { j.outputs.pop_back(); }), "output");
  EXPECT_EQ(refused_at([](Job& j) { j.outputs[0].pop_back(); }), "output");
  EXPECT_EQ(refused_at([](Job& j) { j.outputs[0].push_back(j.outputs[0][0]); }), "output");
  EXPECT_EQ(refused_at([](Job& j) { j.outputs[0][2].push_back(Fr::one()); }), "output");
}

TEST_F(TamperedHybridProof, WithAnAlteredElementIsRefused) {
  // Every kind of element: a stride that is coprime to the schedule's periods, and both ends.
  const std::size_t elements = state_->proof.proof.size() / 32;
  for (std::size_t i = 0; i < elements; i += i < 12 || i + 13 > elements ? 1 : 11) {
    for (const bool high : {false, true}) {
      HybridProof proof = state_->proof;
      proof.proof[32 * i + (high ? 31 : 0)] ^= high ? 0x80 : 0x01;
      EXPECT_NE(place(proof), "accepted") << i;
    }
  }
}

TEST_F(TamperedHybridProof, WithAnotherLengthOrEncodingIsRefused) {
  const base::Bytes& bytes = state_->proof.proof;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{32}, bytes.size() / 2, bytes.size() - 32, bytes.size() - 1,
                                 bytes.size() + 1, bytes.size() + 32}) {
    HybridProof proof = state_->proof;
    proof.proof.resize(size);
    EXPECT_EQ(place(proof), "proof.length") << size;
  }
  HybridProof proof = state_->proof;
  std::fill(proof.proof.begin(), proof.proof.begin() + 32, std::uint8_t{0xff});
  EXPECT_NE(place(proof), "accepted");
  proof = state_->proof;
  std::fill(proof.proof.end() - 32, proof.proof.end(), std::uint8_t{0xff});
  EXPECT_NE(place(proof), "accepted");
}

TEST_F(TamperedHybridProof, FileIsReadAsWrittenAndNothingElse) {
  const base::Bytes bytes = write_hybrid_proof(state_->proof);
  EXPECT_TRUE(is_hybrid_proof(bytes));
  const auto read = parse_hybrid_proof(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(write_hybrid_proof(*read), bytes);
  EXPECT_EQ(place(*read), "accepted");
  for (std::size_t size = 0; size < bytes.size(); size += size < 300 ? 1 : 97) {
    EXPECT_FALSE(parse_hybrid_proof(std::span(bytes).first(size)).ok()) << size;
  }
  base::Bytes altered = bytes;
  altered.push_back(0);
  EXPECT_FALSE(parse_hybrid_proof(altered).ok());
  altered = bytes;
  altered[3] = 2;
  EXPECT_EQ(parse_hybrid_proof(altered).error().code, base::ErrorCode::kUnsupported);
  altered = bytes;
  altered[0] ^= 1;
  EXPECT_EQ(parse_hybrid_proof(altered).error().code, base::ErrorCode::kMalformed);
}

TEST_F(TamperedHybridProof, NeedsBoundsOfItsOwnModel) {
  const auto other = commit_model(make_graph(Kind::kNetwork, 3, 2, 2, 9));
  const BoundedModel bounded = *BoundedModel::check(*zkml::RegisteredModel::check(other->shared_key()), *prove_bounds(*other));
  const auto vectors = state_->job.vectors();
  EXPECT_EQ(place_of(verify_evaluation(bounded, state_->proof, state_->expected, *state_->job.ring, vectors->values)), "statement.model");
  HybridProof proof = state_->proof;
  proof.statement.model = other->key().id;
  EXPECT_EQ(place_of(verify_evaluation(bounded, proof, state_->expected, *state_->job.ring, vectors->values)), "sigma");
}

}  // namespace
}  // namespace blindproof::hybrid

// From a client's integers to verified answers, in a small ring, with everything in between as it is used.
#include <gtest/gtest.h>

#include "blindproof/hybrid/proof.h"
#include "blindproof/proof/zk/dishonest_prover_test_support.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {
namespace {

namespace frbgv = fhe::frbgv;
using proof::zk::place_of;

model::IntegerGraph make_network(std::size_t inputs, std::size_t hidden, std::size_t outputs, std::uint64_t seed) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, seed);
  auto x = builder.input({inputs}, 0, 15);
  if (hidden != 0) {
    x = builder.dense(x, hidden, 4, 8);
    x = builder.multiply(x, x);
  }
  return builder.finish(builder.dense(x, outputs, 4, 16));
}

// Client and server of one model, up to a proven answer.
struct Service {
  explicit Service(model::IntegerGraph graph, std::size_t record_count = 10)
      : program(*Program::create(graph)), model(*zkml::CommittedModel::commit(graph, commit::Seed{1})), ring(frbgv::Ring::create(6)),
        random(std::array<std::uint8_t, 32>{5}), secret(frbgv::SecretKey::generate(ring, random)),
        key(frbgv::PublicKey::generate(secret, spec().parameters().t, random)), records(record_count) {
    for (std::size_t i = 0; i < records * spec().features(); ++i) values.push_back(static_cast<std::int64_t>(random.next_u64() % 16));
    frbgv::Seed seed{};
    random.fill(seed);
    inputs = *encrypt_records(spec(), secret, values, seed, random);
    evaluation = evaluate(program, *ring, {&key, inputs, records}, random);
  }
  const Spec& spec() const { return program.spec(); }
  Exchange exchange() const { return {ring.get(), &key, inputs, evaluation.outputs, records, {1}, {2}, {3}}; }
  base::Result<HybridProof> prove(const Exchange& with) const { return prove_answer(model, spec().parameters(), evaluation, with, {'c'}); }
  base::Result<HybridProof> prove() const { return prove(exchange()); }
  BoundedModel bounded() const { return *BoundedModel::check(*zkml::RegisteredModel::check(model.shared_key()), *prove_bounds(model)); }

  Program program;
  zkml::CommittedModel model;
  frbgv::RingPtr ring;
  crypto::Csprng random;
  frbgv::SecretKey secret;
  frbgv::PublicKey key;
  std::size_t records;
  std::vector<std::int64_t> values;
  std::vector<Ciphertext> inputs;
  Evaluation evaluation;
};

TEST(Answer, IsProvenVerifiedAndDecryptsToTheIntegerNetworks) {
  for (const auto& [inputs, hidden, outputs] : std::vector<std::array<std::size_t, 3>>{{1, 0, 1}, {6, 0, 2}, {5, 3, 2}, {1, 1, 1}}) {
    Service service(make_network(inputs, hidden, outputs, 3));
    const auto proof = service.prove();
    ASSERT_TRUE(proof.ok()) << proof.error().place;
    EXPECT_EQ(place_of(verify_answer(service.bounded(), *proof, service.exchange())), "accepted");
    const auto answers = decrypt_records(service.spec(), service.secret, service.evaluation.outputs, service.records);
    ASSERT_TRUE(answers.ok());
    for (std::size_t record = 0; record < service.records; ++record) {
      const auto expected = model::run_integer(service.program.graph(), std::span(service.values).subspan(record * inputs, inputs));
      for (std::size_t o = 0; o < outputs; ++o) EXPECT_EQ(answers->values[record * outputs + o], static_cast<std::int64_t>(expected[o]));
    }
  }
}

TEST(Answer, OfAnotherModelCantBeProven) {
  const Service service(make_network(4, 3, 2, 3)), other(make_network(4, 3, 2, 4));
  EXPECT_EQ(prove_answer(other.model, service.spec().parameters(), service.evaluation, service.exchange(), {}).error().code,
            base::ErrorCode::kMismatch);
}

TEST(Answer, ToAnotherQuestionOrForAnotherKeyIsRefused) {
  const Service service(make_network(4, 3, 2, 3)), other(make_network(4, 3, 2, 3));
  const HybridProof proof = *service.prove();
  const BoundedModel model = service.bounded();
  const auto refused_at = [&](auto alter) {
    Exchange exchange = service.exchange();
    alter(exchange);
    return place_of(verify_answer(model, proof, exchange));
  };
  EXPECT_EQ(refused_at([](Exchange& e) { e.key_digest[0] ^= 1; }), "statement.public_key");
  EXPECT_EQ(refused_at([](Exchange& e) { e.input_digest[0] ^= 1; }), "statement.input");
  EXPECT_EQ(refused_at([](Exchange& e) { e.output_digest[0] ^= 1; }), "statement.output");
  EXPECT_EQ(refused_at([](Exchange& e) { e.records -= 1; }), "statement.records");
  EXPECT_EQ(refused_at([](Exchange& e) { e.records = 0; }), "input");
  EXPECT_EQ(refused_at([](Exchange& e) { e.records = 65; }), "input");
  std::vector<Ciphertext> swapped = service.evaluation.outputs;
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(refused_at([&](Exchange& e) { e.outputs = swapped; }), "sigma");
}

// Parameters follow from the bounds: a server can't choose its own, not even ones that it evaluates honestly with.
TEST(Answer, WithOtherParametersThanTheModelsIsRefused) {
  Service service(make_network(4, 3, 2, 3));
  const BoundedModel model = service.bounded();
  HybridProof proof = *service.prove();
  proof.statement.evaluations = 0;
  EXPECT_EQ(place_of(verify_answer(model, proof, service.exchange())), "evaluations");
  Parameters weaker = service.spec().parameters();
  weaker.flood_bits -= std::uint32_t{kLimbBits};
  frbgv::RerandomizerShape shape = rerandomizer_shape(service.spec().network(), weaker);
  service.evaluation.rerandomizer = frbgv::draw_rerandomizer(*service.ring, weaker.t, shape, service.random);
  service.evaluation.outputs = evaluate_unprotected(service.program, service.inputs);
  for (std::size_t o = 0; o < 2; ++o)
    frbgv::add_rerandomizer(*service.ring, service.key, weaker.t, service.evaluation.vanishing, service.evaluation.rerandomizer, o,
                            service.evaluation.outputs[o]);
  proof = *prove_answer(service.model, weaker, service.evaluation, service.exchange(), {});
  EXPECT_EQ(place_of(verify_answer(model, proof, service.exchange())), "statement.parameters");
  proof.statement.flood_bits = service.spec().parameters().flood_bits;
  EXPECT_NE(place_of(verify_answer(model, proof, service.exchange())), "accepted");
}

}  // namespace
}  // namespace blindproof::hybrid

// A tiny network of the hybrid level with one evaluation in a small, insecure ring: the input is 0, and so is the re-randomiser.
#pragma once

#include <memory>
#include <vector>

#include "blindproof/hybrid/proof.h"
#include "expect.h"

namespace fuzz {

using namespace blindproof;

struct HybridEvaluation {
  std::shared_ptr<zkml::CommittedModel> model;
  fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create(6);
  hybrid::Statement statement;
  fhe::frbgv::PublicKey key;
  std::vector<hybrid::Ciphertext> inputs, hidden, outputs;
  field::FrVector vanishing;
  std::vector<std::int8_t> masks, errors;
  std::vector<std::int16_t> limbs;

  hybrid::PublicValues values() const { return {&key, inputs, outputs, &vanishing}; }
  hybrid::ProofWitness witness() const {
    return {&model->secrets(), hidden,
            {std::span<const std::int8_t>(masks), std::span<const std::int8_t>(errors), std::span<const std::int16_t>(limbs)}};
  }
  hybrid::Expected expected() const {
    return {statement.plaintext_modulus, statement.flood_bits, statement.records, statement.public_key, statement.input, statement.output};
  }
};

// y = 2 (x - 3)^2 + 1
inline HybridEvaluation hybrid_evaluation() {
  using field::Fr;
  using field::FrVector;
  model::IntegerGraph graph;
  model::Architecture& a = graph.architecture;
  a.arithmetic = model::Arithmetic::kExact;
  a.shapes = {{1}, {1}, {1}, {1}};
  a.parameters = {{model::ParameterRole::kWeight, {1, 1}, 3}, {model::ParameterRole::kBias, {1}, 3}, {model::ParameterRole::kWeight, {1, 1}, 3},
                  {model::ParameterRole::kBias, {1}, 3}};
  a.nodes = {{model::integer_op::Dense{0, 1}, {0}, 1}, {model::integer_op::Multiply{}, {1, 1}, 2}, {model::integer_op::Dense{2, 3}, {2}, 3}};
  a.output = 3;
  a.input_max = 3;
  graph.values = {std::vector<std::int8_t>{1}, std::vector<std::int8_t>{-3}, std::vector<std::int8_t>{2}, std::vector<std::int8_t>{1}};
  FUZZ_EXPECT(model::validate(graph).ok());
  auto committed = zkml::CommittedModel::commit(std::move(graph), zkml::Seed{});
  FUZZ_EXPECT(committed.ok());

  HybridEvaluation e;
  e.model = std::make_shared<zkml::CommittedModel>(std::move(*committed));
  e.statement.model = e.model->key().id;
  e.statement.plaintext_modulus = 257;
  e.statement.flood_bits = 16;
  e.statement.evaluations = 1;
  e.statement.records = 1;
  const std::size_t n = e.ring->degree();
  const auto constant = [&](std::int64_t value) { return FrVector(std::vector<Fr>(n, Fr::from_i64(value))); };
  e.key.components = {constant(5), constant(7)};
  e.vanishing = constant(11);
  e.inputs = {{constant(0), constant(0)}};
  e.hidden = {{constant(-3), constant(0)}};
  e.outputs = {{constant(19), constant(0), constant(0)}};
  e.masks.resize(2 * n);
  e.errors.resize(3 * n);
  e.limbs.resize(2 * n);  // f_0 = 0: its one limb is 2^15 less than 2^15
  for (std::size_t j = n; j < 2 * n; ++j) e.limbs[j] = INT16_MIN;
  return e;
}

}  // namespace fuzz

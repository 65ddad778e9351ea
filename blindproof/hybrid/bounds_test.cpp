#include "blindproof/hybrid/bounds.h"

#include <gtest/gtest.h>

#include "blindproof/proof/zk/dishonest_prover_test_support.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {
namespace {

using model::Arithmetic;
using testing::GraphBuilder;
using zkml::CommittedModel;
using zkml::RegisteredModel;

model::IntegerGraph square_network(std::size_t inputs, std::size_t hidden, std::size_t outputs, std::uint64_t seed, int weight_bits = 8,
                                   int bias_bits = 32) {
  GraphBuilder builder(Arithmetic::kExact, seed);
  const auto x = builder.input({inputs}, 0, 255);
  const auto z = builder.dense(x, hidden, weight_bits, bias_bits);
  return builder.finish(builder.dense(builder.multiply(z, z), outputs, weight_bits, bias_bits));
}

CommittedModel commit(model::IntegerGraph graph) {
  auto model = CommittedModel::commit(std::move(graph), commit::Seed{1});
  EXPECT_TRUE(model.ok());
  return std::move(*model);
}

RegisteredModel registered(const CommittedModel& model) { return *RegisteredModel::check(model.shared_key()); }

std::string place_of_check(const CommittedModel& model, const BoundsProof& proof) {
  return proof::zk::place_of(BoundedModel::check(registered(model), proof));
}

// What bounds promise, by plain sums.
bool hold(const Bounds& bounds, const model::IntegerGraph& graph) {
  std::size_t layer = 0;
  for (const model::IntegerNode& node : graph.architecture.nodes) {
    const auto* dense = std::get_if<model::integer_op::Dense>(&node.op);
    if (dense == nullptr) continue;
    const model::ParameterValues& weight = graph.values[dense->weight];
    const std::size_t rows = graph.architecture.parameters[dense->weight].shape[0], columns = model::value_count(weight) / rows;
    for (std::size_t i = 0; i < rows; ++i) {
      Int128 sum = 0;
      for (std::size_t k = 0; k < columns; ++k) {
        const Int128 w = model::value_at(weight, i * columns + k);
        sum += w < 0 ? -w : w;
      }
      if (sum > static_cast<Int128>(bounds[layer].weight_l1)) return false;
      if (dense->bias) {
        const Int128 b = model::value_at(graph.values[*dense->bias], i);
        if (b > bounds[layer].bias || -b > bounds[layer].bias) return false;
      }
    }
    ++layer;
  }
  return layer == bounds.size();
}

TEST(Bounds, AreThoseOfTheWeights) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const model::IntegerGraph graph = square_network(1 + seed, 3 + seed % 4, 2, seed, 2 + static_cast<int>(seed % 15));
    Bounds bounds = find_bounds(graph);
    EXPECT_TRUE(hold(bounds, graph)) << seed;
    for (LayerBounds& layer : bounds) layer.weight_l1 = layer.weight_l1 * 14 / 15;  // five significant bits: 1/16 too much at most
    if (bounds[0].weight_l1 > 64) {
      EXPECT_FALSE(hold(bounds, graph)) << seed;
    }
  }
}

TEST(Bounds, AreProvenForNetworksOfEverySize) {
  for (const auto& [inputs, hidden, outputs] :
       std::vector<std::array<std::size_t, 3>>{{1, 1, 1}, {2, 1, 3}, {7, 8, 1}, {30, 16, 2}, {65, 33, 10}}) {
    const CommittedModel model = commit(square_network(inputs, hidden, outputs, inputs));
    const auto proof = prove_bounds(model);
    ASSERT_TRUE(proof.ok());
    const auto bounded = BoundedModel::check(registered(model), *proof);
    ASSERT_TRUE(bounded.ok()) << bounded.error().place << ": " << bounded.error().detail;
    EXPECT_TRUE(hold(bounded->bounds(), model.graph()));
  }
}

TEST(Bounds, AreProvenWithoutBiasesAndWithNarrowAndWideOnes) {
  for (const int bias_bits : {0, 8, 16, 32, 112}) {
    GraphBuilder builder(Arithmetic::kExact, 5);
    const auto x = builder.input({6}, -7, 8);
    const CommittedModel model = commit(builder.finish(builder.dense(x, 3, 4, bias_bits)));
    const auto proof = prove_bounds(model);
    ASSERT_TRUE(proof.ok());
    EXPECT_EQ(place_of_check(model, *proof), "accepted") << bias_bits;
    EXPECT_EQ(proof->bounds[0].bias == 0, bias_bits == 0);
  }
}

TEST(Bounds, OfAFlattenedImageAreProven) {
  GraphBuilder builder(Arithmetic::kExact, 6);
  const auto x = builder.input({1, 5, 3}, 0, 15);
  const auto z = builder.dense(builder.reshape(x, {15}), 4);
  const CommittedModel model = commit(builder.finish(builder.dense(builder.multiply(z, z), 2)));
  const auto proof = prove_bounds(model);
  ASSERT_TRUE(proof.ok());
  EXPECT_EQ(place_of_check(model, *proof), "accepted");
}

// The owner's run with bounds of its choice.
struct Attempt {
  std::vector<std::string> violated;
  std::string place;
};
Attempt attempt(const CommittedModel& model, const Bounds& bounds) {
  proof::zk::DishonestProver prover(kBoundsProtocol);
  run_bounds(prover, model.key(), bounds, &model.secrets());
  BoundsProof proof{model.key().id, bounds, prover.finish()};
  return {prover.violated(), place_of_check(model, proof)};
}

TEST(Bounds, TooSmallOnesAreRefused) {
  const CommittedModel model = commit(square_network(5, 4, 2, 9));
  const Bounds honest = find_bounds(model.graph());
  EXPECT_EQ(attempt(model, honest).place, "accepted");
  for (std::size_t layer = 0; layer < honest.size(); ++layer) {
    // Half of it: limbs of what is now a negative room can't make up the difference, whatever they are.
    Bounds bounds = honest;
    bounds[layer].weight_l1 /= 2;
    EXPECT_EQ(attempt(model, bounds).violated, std::vector<std::string>{"layer " + std::to_string(layer) + " weight bound"});
    EXPECT_EQ(attempt(model, bounds).place, "bounds.sigma");
    bounds = honest;
    bounds[layer].bias /= 2;
    const Attempt biased = attempt(model, bounds);
    EXPECT_EQ(biased.place, "bounds.sigma");
    for (const std::string& label : biased.violated) EXPECT_NE(label.find(" bias "), std::string::npos) << label;
    EXPECT_FALSE(biased.violated.empty());
  }
}

// One layer whose only bias is at one side: each of the two checks of biases stands alone in its way.
TEST(Bounds, OfBiasesHoldOnBothSides) {
  for (const bool negative : {false, true}) {
    GraphBuilder builder(Arithmetic::kExact, 5);
    const auto x = builder.input({2}, -7, 8);
    model::IntegerGraph graph = builder.finish(builder.dense(x, 1, 4, 16));
    graph.values[1] = std::vector<std::int16_t>{static_cast<std::int16_t>(negative ? -1000 : 1000)};
    const CommittedModel model = commit(std::move(graph));
    Bounds bounds = find_bounds(model.graph());
    bounds[0].bias = 999;
    EXPECT_EQ(attempt(model, bounds).violated,
              std::vector<std::string>{negative ? "layer 0 bias lower bound" : "layer 0 bias upper bound"});
  }
}

TEST(Bounds, AbsoluteValuesAreThoseOfTheWeights) {
  const CommittedModel model = commit(square_network(5, 4, 2, 9));
  const Bounds bounds = find_bounds(model.graph());
  for (const int by : {-1, 1}) {
    bool altered = false;
    proof::zk::DishonestProver prover(kBoundsProtocol, {}, [&](std::string_view name, const commit::IntegerSpan& values) {
      if (name != "layer 0 absolute") return;
      proof::zk::add_to_cell(values, 3, by);
      altered = true;
    });
    run_bounds(prover, model.key(), bounds, &model.secrets());
    const BoundsProof proof{model.key().id, bounds, prover.finish()};
    EXPECT_TRUE(altered);
    EXPECT_EQ(place_of_check(model, proof), "bounds.sigma");
  }
}

TEST(Bounds, BelongToOneModelAndAreNotAltered) {
  const CommittedModel model = commit(square_network(5, 4, 2, 9)), other = commit(square_network(5, 4, 2, 10));
  const BoundsProof proof = *prove_bounds(model);
  EXPECT_EQ(place_of_check(other, proof), "bounds.model");
  BoundsProof stolen = proof;
  stolen.model = other.key().id;
  EXPECT_EQ(place_of_check(other, stolen), "bounds.sigma");
  for (std::size_t layer = 0; layer < 2; ++layer) {
    BoundsProof altered = proof;
    altered.bounds[layer].weight_l1 += 1;
    EXPECT_EQ(place_of_check(model, altered), "bounds.sigma");
    altered = proof;
    altered.bounds[layer].bias += 1;
    EXPECT_EQ(place_of_check(model, altered), "bounds.sigma");
  }
  BoundsProof fewer = proof;
  fewer.bounds.pop_back();
  EXPECT_EQ(place_of_check(model, fewer), "bounds.layers");
}

TEST(Bounds, RefuseAlteredElementsAndOtherLengths) {
  const CommittedModel model = commit(square_network(3, 2, 1, 9));
  const BoundsProof proof = *prove_bounds(model);
  for (std::size_t i = 0; i < proof.proof.size(); i += 32 * 29) {
    BoundsProof altered = proof;
    altered.proof[i] ^= 1;
    EXPECT_NE(place_of_check(model, altered), "accepted") << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{31}, proof.proof.size() - 32, proof.proof.size() - 1}) {
    BoundsProof cut = proof;
    cut.proof.resize(size);
    EXPECT_NE(place_of_check(model, cut), "accepted") << size;
  }
  BoundsProof longer = proof;
  longer.proof.resize(proof.proof.size() + 32);
  EXPECT_NE(place_of_check(model, longer), "accepted");
}

TEST(BoundsFile, IsReadAsWritten) {
  BoundsProof proof{{1, 2, 3}, {{77, 0}, {std::uint64_t{1} << 56, Int128{1} << 112}}, {4, 5}};
  const base::Bytes bytes = write_bounds_proof(proof);
  const auto read = parse_bounds_proof(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->model, proof.model);
  EXPECT_EQ(read->bounds, proof.bounds);
  EXPECT_EQ(read->proof, proof.proof);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_bounds_proof(std::span(bytes).first(size)).ok()) << size;
  base::Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_bounds_proof(longer).ok());
  proof.bounds[0].weight_l1 = (std::uint64_t{1} << 56) + 1;
  EXPECT_EQ(parse_bounds_proof(write_bounds_proof(proof)).error().code, base::ErrorCode::kLimit);
  proof.bounds[0] = {1, -1};
  EXPECT_EQ(parse_bounds_proof(write_bounds_proof(proof)).error().code, base::ErrorCode::kLimit);
}

TEST(Bounds, TravelInTheModelKey) {
  const CommittedModel model = commit(square_network(3, 2, 1, 9));
  EXPECT_EQ(proof::zk::place_of(BoundedModel::check(registered(model))), "bounds");
  zkml::ModelKey key = model.key();
  const base::Bytes without = zkml::write_model_key(key);
  key.bounds = write_bounds_proof(*prove_bounds(model));
  base::Bytes with = zkml::write_model_key(key);
  const auto read = zkml::parse_model_key(with);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(zkml::write_model_key(*read), with);
  EXPECT_EQ(read->id, model.key().id);
  EXPECT_EQ(proof::zk::place_of(BoundedModel::check(*RegisteredModel::check(std::make_shared<zkml::ModelKey>(*read)))), "accepted");
  ASSERT_TRUE(zkml::parse_model_key(without).ok());
  EXPECT_TRUE(zkml::parse_model_key(without)->bounds.empty());
  with.resize(without.size());  // the version still says that there are bounds
  EXPECT_FALSE(zkml::parse_model_key(with).ok());
  for (int i = 0; i < 8; ++i) with.push_back(0);
  EXPECT_EQ(zkml::parse_model_key(with).error().code, base::ErrorCode::kMalformed);
  key.bounds.back() ^= 1;
  EXPECT_NE(proof::zk::place_of(BoundedModel::check(*RegisteredModel::check(std::make_shared<zkml::ModelKey>(key)))), "accepted");
}

TEST(Bounds, NeverChangeTheModelsId) {
  const model::IntegerGraph graph = square_network(3, 2, 1, 9);
  const CommittedModel model = commit(graph);
  ASSERT_TRUE(prove_bounds(model).ok());
  EXPECT_EQ(model.key().id, commit(graph).key().id);
}

}  // namespace
}  // namespace blindproof::hybrid

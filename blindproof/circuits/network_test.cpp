#include "blindproof/circuits/network.h"

#include <string>

#include <gtest/gtest.h>

#include "blindproof/commit/poseidon.h"

namespace blindproof::circuits {
namespace {

namespace op = model::integer_op;

// 3 inputs, 2 neurons with biases and multipliers, a Reshape, 1 neuron with a public factor and no bias.
model::IntegerGraph sample() {
  model::IntegerGraph graph;
  model::Architecture& a = graph.architecture;
  a.shapes = {{3}, {2}, {2}, {1, 2}, {1, 1}, {1, 1}};
  a.parameters = {{model::ParameterRole::kWeight, {2, 3}, 6},
                  {model::ParameterRole::kBias, {2}, 16},
                  {model::ParameterRole::kMultiplier, {2}, 8},
                  {model::ParameterRole::kWeight, {1, 2}, 8}};
  a.nodes = {{op::Dense{0, 1}, {0}, 1},
             {op::Requantize{2, 0, 1, 7, op::Requantize::Clamp{0, 255}, -16384, 16383}, {1}, 2},
             {op::Reshape{}, {2}, 3},
             {op::Dense{3, std::nullopt}, {3}, 4},
             {op::Requantize{std::nullopt, 0, 3, 5, op::Requantize::Clamp{-100, 127}, -16384, 16383}, {4}, 5}};
  a.input = 0;
  a.output = 5;
  a.input_min = -20;
  a.input_max = 100;
  a.input_scale = 0.25;
  a.output_scale = 0.5;
  a.finish = model::Finish::kArgMax;
  graph.values = {std::vector<std::int8_t>{1, 31, -32, 4, 5, -28}, std::vector<std::int16_t>{1, -2000},
                  std::vector<std::int16_t>{100, 255}, std::vector<std::int8_t>{-128, 127}};
  return graph;
}

TEST(Network, SampleIsAValidModel) {
  const base::Status valid = model::validate(sample());
  EXPECT_TRUE(valid.ok()) << (valid.ok() ? "" : valid.error().message());
}

TEST(Network, HasALayerForEachDenseAndRequantize) {
  const base::Result<Network> network = network_of(sample().architecture);
  ASSERT_TRUE(network.ok()) << network.error().message();
  ASSERT_EQ(network->layers.size(), 2u);
  const Layer& first = network->layers[0];
  EXPECT_EQ(first.inputs, 3u);
  EXPECT_EQ(first.outputs, 2u);
  EXPECT_EQ(first.bias_bits, 16);
  EXPECT_EQ(first.multiplier_bits, 8);
  const Layer& second = network->layers[1];
  EXPECT_EQ(second.bias_bits, 0);
  EXPECT_EQ(second.multiplier_bits, 0);
  EXPECT_EQ(second.factor, 3);
  EXPECT_EQ(second.low, -100);
  const NetworkParameters parameters = parameters_of(sample());
  EXPECT_EQ(parameters.weights.size(), 8u);
  EXPECT_EQ(parameters.biases.size(), 2u);
  EXPECT_EQ(parameters.multipliers.size(), 2u);
}

TEST(Network, RefusesWhatCircuitsDontTakeByName) {
  const auto refusal = [](const model::Architecture& architecture) {
    const base::Result<Network> network = network_of(architecture);
    EXPECT_FALSE(network.ok());
    if (network.ok()) return std::string();
    EXPECT_EQ(network.error().code, base::ErrorCode::kUnsupported);
    return network.error().detail;
  };
  model::Architecture exact = sample().architecture;
  exact.arithmetic = model::Arithmetic::kExact;
  EXPECT_NE(refusal(exact).find("exact"), std::string::npos);
  model::Architecture table = sample().architecture;
  std::get<op::Requantize>(table.nodes[1].op).activation = model::TableId{0};
  EXPECT_NE(refusal(table).find("table"), std::string::npos);
  model::Architecture pool = sample().architecture;
  pool.nodes[2].op = op::MaxPool2d{};
  EXPECT_NE(refusal(pool).find(model::op_name(pool.nodes[2].op)), std::string::npos);
  model::Architecture branch = sample().architecture;
  branch.nodes[3].inputs = {0};
  EXPECT_NE(refusal(branch).find("branch"), std::string::npos);
  model::Architecture open = sample().architecture;
  open.nodes.pop_back();
  open.output = 4;
  EXPECT_NE(refusal(open).find("requantised"), std::string::npos);
  model::Architecture rows = sample().architecture;
  rows.shapes[0] = {5, 3};
  EXPECT_NE(refusal(rows).find("several vectors"), std::string::npos);
}

// By docs/spec/chain.md, with the words written out.
TEST(Network, ModelHashIsOverArchitectureSaltAndAllPackedParameters) {
  const Network network = *network_of(sample().architecture);
  const auto digits = [](int bits, std::vector<std::int64_t> values) {
    Fr word, power = Fr::one();
    for (const std::int64_t value : values) {
      word += Fr::from_i64(value) * power;
      power *= Fr::power_of_two(bits);
    }
    return word;
  };
  const Fr salt = Fr::from_u64(77);
  const std::vector<Fr> list = {architecture_hash(network),
                                salt,
                                digits(6, {33, 63, 0, 36, 37, 4}),
                                digits(16, {32769, 30768}),
                                digits(8, {100, 255}),
                                digits(8, {0, 255})};
  EXPECT_EQ(model_hash(network, parameters_of(sample()), salt), commit::hash_list("blindproof/model", list));
}

TEST(Network, PacksAsManyIntegersAsFitAWord) {
  Network network = *network_of(sample().architecture);
  std::vector<std::int64_t> input(37, -20);  // 7 bits: 36 in a word
  input[35] = 100;
  input[36] = -19;
  const std::vector<Fr> list = {Fr::from_u64(5), Fr::from_u64(120) * Fr::power_of_two(7 * 35), Fr::one()};
  EXPECT_EQ(input_hash(network, input, Fr::from_u64(5)), commit::hash_list("blindproof/input", list));
}

TEST(Network, DigestsChangeWithEveryParameterAndPublicNumber) {
  const Network network = *network_of(sample().architecture);
  const NetworkParameters parameters = parameters_of(sample());
  const Fr salt = Fr::from_u64(77);
  const Fr digest = model_hash(network, parameters, salt);
  EXPECT_NE(model_hash(network, parameters, Fr::from_u64(78)), digest);
  for (const auto list : {&NetworkParameters::weights, &NetworkParameters::biases, &NetworkParameters::multipliers}) {
    for (std::size_t i = 0; i < (parameters.*list).size(); ++i) {
      NetworkParameters changed = parameters;
      (changed.*list)[i] ^= 1;
      EXPECT_NE(model_hash(network, changed, salt), digest);
    }
  }
  Network other = network;
  other.layers[1].hi_max -= 1;
  EXPECT_NE(architecture_hash(other), architecture_hash(network));
  other = network;
  other.input_scale = 0.125;
  EXPECT_NE(architecture_hash(other), architecture_hash(network));
  other = network;
  other.finish = model::Finish::kNone;
  EXPECT_NE(architecture_hash(other), architecture_hash(network));
}

TEST(Network, InferenceInputsComeInTheOrderOfTheirDeclarations) {
  const std::vector<std::int64_t> input = {-20, 0, 100};
  const Salts salts{Fr::from_u64(1001), Fr::from_u64(1002), Fr::from_u64(1003)};
  const std::vector<Fr> inputs = inference_inputs(parameters_of(sample()), input, salts);
  ASSERT_EQ(inputs.size(), 8u + 2 + 2 + 3 + 3);
  EXPECT_EQ(inputs[2], -Fr::from_u64(32));
  EXPECT_EQ(inputs[9], -Fr::from_u64(2000));
  EXPECT_EQ(inputs[11], Fr::from_u64(255));
  EXPECT_EQ(inputs[12], -Fr::from_u64(20));
  EXPECT_EQ(inputs[15], salts.model);
  EXPECT_EQ(inputs[17], salts.output);
}

TEST(Network, TermsBecomeBigEndianNumbers) {
  ReceiptTerms terms;
  terms.chain_id = 31337;
  terms.contract[19] = 7;
  terms.contract[0] = 1;
  terms.recipient[10] = 3;
  terms.units = ~std::uint64_t{0};
  terms.unit_price = 2;
  terms.nonce = 3;
  terms.deadline = 4;
  terms.receipt_hash[15] = 5;
  terms.receipt_hash[16] = 255;
  const std::vector<Fr> expected = {Fr::from_u64(31337),
                                    Fr::power_of_two(152) + Fr::from_u64(7),
                                    Fr::from_u64(3) * Fr::power_of_two(72),
                                    Fr::power_of_two(64) - Fr::one(),
                                    Fr::from_u64(2),
                                    Fr::from_u64(3),
                                    Fr::from_u64(4),
                                    Fr::from_u64(5),
                                    Fr::from_u64(255) * Fr::power_of_two(120)};
  EXPECT_EQ(receipt_inputs(terms), expected);
  const std::vector<Fr> integrity =
      model_integrity_inputs(parameters_of(sample()), Fr::from_u64(9), {1, terms.contract, terms.recipient});
  ASSERT_EQ(integrity.size(), 8u + 2 + 2 + 4);
  EXPECT_EQ(integrity[12], Fr::from_u64(9));
  EXPECT_EQ(integrity[13], Fr::one());
  EXPECT_EQ(integrity[14], expected[1]);
  EXPECT_EQ(integrity[15], expected[2]);
}

}  // namespace
}  // namespace blindproof::circuits

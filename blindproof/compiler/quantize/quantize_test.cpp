#include "blindproof/compiler/quantize/quantize.h"

#include <gtest/gtest.h>

#include <functional>

#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/quantize/float_graph_samples.h"

namespace blindproof::compiler {
namespace {

namespace op = model::float_op;
namespace integer_op = model::integer_op;
using base::ErrorCode;
using model::Arithmetic;

struct Network {
  const char* name;
  model::Shape input;
  std::function<void(FloatSample&)> build;
  int most_bits = 12;  // in exact arithmetic
};

const std::vector<Network>& rescaled_networks() {
  static const std::vector<Network> networks = {
      {"dense", {20}, [](FloatSample& s) { s.dense(12).apply(op::Relu{}).dense(5); }},
      {"dense on rows", {3, 10}, [](FloatSample& s) { s.dense(12).apply(op::Relu{}).dense(5); }},
      {"conv",
       {2, 9, 9},
       [](FloatSample& s) { s.conv(6, 1, FloatSample::window(3, 2, 1)).apply(op::Relu{}).flatten().dense(5); }},
      {"conv in groups",
       {4, 9, 9},
       [](FloatSample& s) { s.conv(8, 2, FloatSample::window(3, 1, 2, 2)).apply(op::Relu{}).flatten().dense(5); }},
      {"max pool",
       {2, 8, 8},
       [](FloatSample& s) {
         s.conv(4, 1, FloatSample::window(3)).apply(op::Relu{}).max_pool(FloatSample::window(2, 2)).flatten().dense(5);
       }},
      {"max pool of the input",
       {2, 8, 8},
       [](FloatSample& s) { s.max_pool(FloatSample::window(3, 2, 1)).flatten().dense(5); }},
      {"average pool",
       {2, 8, 8},
       [](FloatSample& s) { s.average_pool(FloatSample::window(3, 2, 1), true).flatten().dense(5); }},
      {"global average",
       {4, 7, 7},
       [](FloatSample& s) {
         s.conv(4, 1, FloatSample::window(3))
             .apply(op::Relu{})
             .average_pool(FloatSample::window(5), false)
             .flatten()
             .dense(5);
       }},
      {"clip",
       {20},
       [](FloatSample& s) {
         s.dense(12).apply(op::Clip{0, 0.6f}).dense(5);
       }},
      {"signed clip",
       {20},
       [](FloatSample& s) {
         s.dense(12).apply(op::Clip{-0.5f, 0.5f}).dense(5);
       }},
      {"uneven clip",
       {20},
       [](FloatSample& s) {
         s.dense(12).apply(op::Clip{-0.2f, INFINITY}).dense(5);
       }},
      {"sigmoid", {20}, [](FloatSample& s) { s.dense(12).apply(op::Sigmoid{}).dense(5); }},
      {"tanh", {20}, [](FloatSample& s) { s.dense(12).apply(op::Tanh{}).dense(5); }},
      {"erf", {20}, [](FloatSample& s) { s.dense(12).apply(op::Erf{}).dense(5); }},
      {"gelu", {20},
       [](FloatSample& s) {
         const model::TensorId x = s.dense(12).at;
         s.append(op::ScaleShift{0, std::vector<float>(12, 0.70710678f), std::vector<float>(12)}, {x}, {12}).apply(op::Erf{});
         s.append(op::ScaleShift{0, std::vector<float>(12, 0.5f), std::vector<float>(12, 0.5f)}, {s.at}, {12});
         s.append(op::Multiply{}, {x, s.at}, {12}).dense(5);
       }},
      {"relu of the input", {20}, [](FloatSample& s) { s.apply(op::Relu{}).dense(5); }},
      {"sigmoid of the input", {20}, [](FloatSample& s) { s.apply(op::Sigmoid{}).dense(5); }},
      {"tanh of a maximum",
       {2, 8, 8},
       [](FloatSample& s) { s.max_pool(FloatSample::window(2, 2)).apply(op::Tanh{}).flatten().dense(5); }},
      {"sigmoid of a sum",
       {20},
       [](FloatSample& s) {
         const auto x = s.at;
         s.dense(20).append(op::Add{}, {x, s.at}, {20}).apply(op::Sigmoid{}).dense(5);
       }},
      {"residual",
       {20},
       [](FloatSample& s) {
         s.dense(16).apply(op::Relu{});
         const auto x = s.at;
         s.dense(16).append(op::Add{}, {x, s.at}, {16}).apply(op::Relu{}).dense(5);
       }},
      {"difference",
       {20},
       [](FloatSample& s) {
         const auto x = s.at;
         s.dense(20).append(op::Subtract{}, {x, s.at}, {20}).dense(5);
       }},
      {"doubling",
       {20},
       [](FloatSample& s) {
         s.append(op::Add{}, {s.at, s.at}, {20}).dense(5);
       }},
      {"sum of activations",
       {20},
       [](FloatSample& s) {
         s.dense(8).apply(op::Tanh{});
         const auto t = s.at;
         s.apply(op::Relu{});
         s.append(op::Add{}, {t, s.at}, {8}).dense(5);
       }},
      {"product",
       {20},
       [](FloatSample& s) {
         const auto x = s.at;
         s.dense(20).apply(op::Sigmoid{}).append(op::Multiply{}, {x, s.at}, {20}).dense(5);
       }},
      {"square",
       {20},
       [](FloatSample& s) {
         s.dense(12);
         s.append(op::Multiply{}, {s.at, s.at}, {12}).dense(5);
       }},
      {"scale before padding",
       {2, 8, 8},
       [](FloatSample& s) {
         s.scale_shift(0).conv(4, 1, FloatSample::window(3, 1, 1)).apply(op::Relu{}).flatten().dense(5);
       }},
      {"scale of the last axis",
       {4, 6},
       [](FloatSample& s) { s.apply(op::Relu{}).scale_shift(1).apply(op::Tanh{}).flatten().dense(5); }},
      {"one factor",
       {20},
       [](FloatSample& s) {
         s.apply(op::Relu{}).apply(op::ScaleShift{0, std::vector<float>(20, 0.01f), std::vector<float>(20, 0)});
         s.apply(op::Tanh{}).dense(5);
       }},
      {"transposed",
       {3, 4, 5},
       [](FloatSample& s) {
         s.transpose({2, 0, 1}).dense(6).apply(op::Relu{}).reshape({15, 6}).dense(2).flatten().dense(5);
       }},
      {"used twice",
       {20},
       [](FloatSample& s) {
         s.dense(8);
         const auto t = s.at;
         s.apply(op::Relu{});
         const auto r = s.at;
         s.append(op::Multiply{}, {t, r}, {8}).dense(5);
       }},
      {"a row of zeros",
       {20},
       [](FloatSample& s) {
         s.dense(4);
         auto& d = std::get<op::Dense>(s.graph.nodes[0].op);
         std::fill_n(d.weight.begin(), 20, 0.0f);
         s.apply(op::Relu{}).dense(5);
       }},
  };
  return networks;
}

const std::vector<Network>& exact_networks() {
  static const std::vector<Network> networks = {
      {"dense", {20}, [](FloatSample& s) { s.dense(12).dense(5); }},
      {"squares",
       {20},
       [](FloatSample& s) {
         s.dense(12);
         s.append(op::Multiply{}, {s.at, s.at}, {12}).dense(8);
         s.append(op::Multiply{}, {s.at, s.at}, {8}).dense(5);
       },
       9},
      {"conv, square, average",
       {2, 9, 9},
       [](FloatSample& s) {
         s.conv(4, 2, FloatSample::window(3, 1, 1));
         s.append(op::Multiply{}, {s.at, s.at}, s.shape())
             .average_pool(FloatSample::window(3, 3), true)
             .flatten()
             .dense(5);
       }},
      {"residual",
       {20},
       [](FloatSample& s) {
         const auto x = s.at;
         s.dense(20);
         s.append(op::Multiply{}, {s.at, s.at}, {20}).append(op::Add{}, {x, s.at}, {20}).dense(5);
       }},
      {"difference of averages",
       {2, 9, 9},
       [](FloatSample& s) {
         s.average_pool(FloatSample::window(3), true);
         const auto a = s.at;
         s.conv(2, 1, FloatSample::window(1))
             .append(op::Subtract{}, {a, s.at}, {2, 7, 7})
             .transpose({1, 2, 0})
             .flatten()
             .dense(5);
       }},
      {"one factor",
       {20},
       [](FloatSample& s) {
         s.append(op::Multiply{}, {s.at, s.at}, {20});
         s.apply(op::ScaleShift{0, std::vector<float>(20, 0.25f), std::vector<float>(20, 0)});
         s.append(op::Multiply{}, {s.at, s.at}, {20}).dense(5);
       }},
      {"doubling",
       {20},
       [](FloatSample& s) {
         s.append(op::Add{}, {s.at, s.at}, {20}).dense(5);
       }},
  };
  return networks;
}

void expect_close(const Network& network, const QuantizeOptions& options, float low, double bound) {
  FloatSample sample(17, network.input);
  network.build(sample);
  ASSERT_TRUE(model::validate(sample.graph).ok())
      << network.name << ": " << model::validate(sample.graph).error().message();
  const auto samples = sample.samples(150, low, 1);
  QuantizeOptions lenient = options;
  lenient.max_accuracy_loss = 100;
  const auto outcome = quantize(sample.graph, samples, lenient);
  ASSERT_TRUE(outcome.ok()) << network.name << ": " << outcome.error().message();
  ASSERT_TRUE(model::validate(outcome->graph).ok());
  EXPECT_LT(outcome->output_error, bound) << network.name << " weights " << options.weight_bits << " activations "
                                          << options.activation_bits << " per channel " << options.per_channel;
  // The judge's figure is what a user of the graph gets, on samples that calibration has not seen.
  double difference = 0, square = 0;
  for (const auto& x : sample.samples(30, low, 1)) {
    const auto reference = model::run_float(sample.graph, x)[sample.graph.output];
    const auto input = model::quantize_input(outcome->graph.architecture, x);
    ASSERT_TRUE(input.ok());
    const auto got = model::dequantize_output(outcome->graph.architecture, model::run_integer(outcome->graph, *input));
    ASSERT_EQ(got.size(), reference.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double expected = static_cast<double>(reference[i]);
      difference += (got[i] - expected) * (got[i] - expected);
      square += expected * expected;
    }
  }
  EXPECT_LT(std::sqrt(difference / square), 2 * bound) << network.name;
}

TEST(Quantize, EveryOperatorStaysCloseInRescaledArithmetic) {
  for (const Network& network : rescaled_networks()) {
    for (float low : {-1.0f, 0.0f}) {
      for (bool per_channel : {true, false}) {
        expect_close(network, {.weight_bits = 8, .activation_bits = 8, .per_channel = per_channel}, low, 0.04);
        expect_close(network, {.weight_bits = 12, .activation_bits = 12, .per_channel = per_channel}, low, 0.004);
        expect_close(network, {.weight_bits = 16, .activation_bits = 16, .per_channel = per_channel}, low, 0.002);
      }
    }
  }
}

TEST(Quantize, EveryPolynomialStaysCloseInExactArithmetic) {
  for (const Network& network : exact_networks()) {
    for (float low : {-1.0f, 0.0f}) {
      expect_close(network, {.arithmetic = Arithmetic::kExact, .weight_bits = 8, .activation_bits = 8}, low, 0.03);
      const int bits = network.most_bits;
      expect_close(network, {.arithmetic = Arithmetic::kExact, .weight_bits = bits, .activation_bits = bits}, low,
                   bits == 12 ? 0.002 : 0.016);
    }
  }
}

TEST(Quantize, FewBitsStillGiveAValidGraph) {
  for (const Network& network : rescaled_networks()) {
    for (int bits : {2, 3, 4, 5}) {
      expect_close(network, {.weight_bits = bits, .activation_bits = std::max(4, bits)}, 0, bits == 2 ? 3 : 1.5);
    }
  }
}

TEST(Quantize, RandomGraphsGiveValidGraphs) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    FloatSample sample = random_float_sample(seed);
    QuantizeOptions options{
        .weight_bits = 12, .activation_bits = 12, .per_channel = seed % 2 == 0, .max_accuracy_loss = 100};
    const auto outcome = quantize(sample.graph, sample.samples(40, -1, 1), options);
    ASSERT_TRUE(outcome.ok()) << "seed " << seed << " " << outcome.error().message();
    EXPECT_LT(outcome->output_error, 0.05) << "seed " << seed;
  }
}

TEST(Quantize, RangesOfHiArePowersOfTwo) {
  const auto is_power = [](std::int64_t x) { return x > 0 && (x & (x - 1)) == 0; };
  for (const Network& network : rescaled_networks()) {
    FloatSample sample(3, network.input);
    network.build(sample);
    const auto outcome = quantize(sample.graph, sample.samples(50, -1, 1), {.max_accuracy_loss = 100});
    ASSERT_TRUE(outcome.ok());
    for (const auto& node : outcome->graph.architecture.nodes) {
      const auto* requantize = std::get_if<integer_op::Requantize>(&node.op);
      if (requantize == nullptr) continue;
      EXPECT_TRUE(requantize->hi_min == 0 || is_power(-requantize->hi_min)) << network.name;
      EXPECT_TRUE(is_power(requantize->hi_max + 1)) << network.name;
    }
  }
}

TEST(Quantize, EqualCurvesShareATable) {
  FloatSample sample(5, {20});
  sample.dense(16).apply(op::Sigmoid{}).dense(16).apply(op::Sigmoid{}).dense(16).apply(op::Tanh{}).dense(5);
  const auto outcome = quantize(sample.graph, sample.samples(50, -1, 1), {.max_accuracy_loss = 100});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->graph.architecture.tables.size(), 2u);
}

TEST(Quantize, AWideArgumentIsClampedBeforeItsTable) {
  FloatSample sample(6, {20});
  sample.dense(16).apply(op::Tanh{}).dense(5);
  auto& dense = std::get<op::Dense>(sample.graph.nodes[0].op);
  for (float& weight : dense.weight) weight *= 400;
  const auto outcome = quantize(sample.graph, sample.samples(100, -1, 1),
                                {.weight_bits = 16, .activation_bits = 12, .max_accuracy_loss = 100});
  ASSERT_TRUE(outcome.ok());
  EXPECT_LT(outcome->output_error, 0.02);
  for (const model::Table& table : outcome->graph.architecture.tables) EXPECT_LE(table.values.size(), 65536u);
}

TEST(Quantize, TheSameInputsGiveTheSameIntegersOnAnyNumberOfThreads) {
  for (Arithmetic arithmetic : {Arithmetic::kRescaled, Arithmetic::kExact}) {
    const Network& network = arithmetic == Arithmetic::kExact ? exact_networks()[2] : rescaled_networks()[4];
    FloatSample sample(9, network.input);
    network.build(sample);
    const auto samples = sample.samples(60, 0, 1);
    std::optional<QuantizeOutcome> first;
    const std::size_t threads = base::thread_count();
    for (std::size_t count : {1u, 1u, 4u}) {
      base::set_thread_count(count);
      auto outcome = quantize(sample.graph, samples, {.arithmetic = arithmetic, .max_accuracy_loss = 100});
      ASSERT_TRUE(outcome.ok());
      if (first) {
        EXPECT_EQ(model::write_architecture(outcome->graph.architecture),
                  model::write_architecture(first->graph.architecture));
        EXPECT_EQ(outcome->graph.values, first->graph.values);
        EXPECT_EQ(outcome->output_error, first->output_error);
      } else {
        first = std::move(*outcome);
      }
    }
    base::set_thread_count(threads);
  }
}

TEST(Quantize, TheFinishIsTheReceivers) {
  FloatSample sample(7, {12});
  sample.dense(4).apply(op::Softmax{});
  const auto samples = sample.samples(50, -1, 1);
  const auto outcome = quantize(sample.graph, samples, {.max_accuracy_loss = 100});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->graph.architecture.finish, model::Finish::kSoftmax);
  const auto expected = model::run_float(sample.graph, samples[0])[sample.graph.output];
  const auto input = *model::quantize_input(outcome->graph.architecture, samples[0]);
  const auto got = model::dequantize_output(outcome->graph.architecture, model::run_integer(outcome->graph, input));
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 0.02);
}

TEST(Quantize, LabelsDecideWhatIsRight) {
  FloatSample sample(8, {12});
  sample.dense(4);
  const auto samples = sample.samples(200, -1, 1);
  QuantizeOptions options{.max_accuracy_loss = 100};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto scores = model::run_float(sample.graph, samples[i])[sample.graph.output];
    const auto best = static_cast<std::uint32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    options.labels.push_back(i % 4 == 0 ? (best + 1) % 4 : best);
  }
  const auto outcome = quantize(sample.graph, samples, options);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->labelled);
  EXPECT_EQ(outcome->float_accuracy, 75);
  EXPECT_NEAR(outcome->integer_accuracy, 75, 3);
  EXPECT_GT(outcome->agreement, 95);
}

TEST(Quantize, TooMuchLossIsRefusedWithAdvice) {
  FloatSample sample(10, {40});
  sample.dense(30).apply(op::Relu{}).dense(30).apply(op::Relu{}).dense(10);
  const auto samples = sample.samples(200, -1, 1);
  const auto outcome = quantize(sample.graph, samples, {.weight_bits = 2, .activation_bits = 4});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kLimit);
  EXPECT_NE(outcome.error().detail.find("--activation-bits"), std::string::npos) << outcome.error().message();
  EXPECT_TRUE(quantize(sample.graph, samples, {.weight_bits = 12, .activation_bits = 12, .max_accuracy_loss = 2}).ok());
}

TEST(Quantize, WhatExactArithmeticCannotDoIsNamed) {
  const auto refused = [](const std::function<void(FloatSample&)>& build, const char* name) {
    FloatSample sample(11, {2, 8, 8});
    build(sample);
    const auto outcome =
        quantize(sample.graph, sample.samples(10, 0, 1), {.arithmetic = Arithmetic::kExact, .max_accuracy_loss = 100});
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(outcome.error().place.find(name), std::string::npos) << outcome.error().message();
    EXPECT_NE(outcome.error().detail.find("rescaled"), std::string::npos);
  };
  refused([](FloatSample& s) { s.conv(2, 1, FloatSample::window(3)).apply(op::Relu{}); }, "'n1' (Relu)");
  refused([](FloatSample& s) { s.conv(2, 1, FloatSample::window(3)).apply(op::Sigmoid{}); }, "'n1' (Sigmoid)");
  refused([](FloatSample& s) { s.conv(2, 1, FloatSample::window(3)).apply(op::Tanh{}); }, "'n1' (Tanh)");
  refused([](FloatSample& s) { s.conv(2, 1, FloatSample::window(3)).apply(op::Clip{0, 1}); }, "'n1' (Clip)");
  refused([](FloatSample& s) { s.conv(2, 1, FloatSample::window(3)).max_pool(FloatSample::window(2)); },
          "'n1' (MaxPool2d)");
}

TEST(Quantize, ExactValuesBeyond126BitsAreRefusedWithAdvice) {
  FloatSample sample(12, {8});
  for (int i = 0; i < 3; ++i) {
    sample.dense(8);
    sample.append(op::Multiply{}, {sample.at, sample.at}, {8});
  }
  sample.dense(4);
  const auto samples = sample.samples(20, -1, 1);
  const auto outcome =
      quantize(sample.graph, samples,
               {.arithmetic = Arithmetic::kExact, .weight_bits = 12, .activation_bits = 12, .max_accuracy_loss = 100});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kLimit);
  EXPECT_NE(outcome.error().detail.find("--weight-bits"), std::string::npos) << outcome.error().message();
  EXPECT_TRUE(
      quantize(sample.graph, samples,
               {.arithmetic = Arithmetic::kExact, .weight_bits = 4, .activation_bits = 4, .max_accuracy_loss = 100})
          .ok());
}

TEST(Quantize, AveragesWithDifferentDivisorsAreRefused) {
  for (Arithmetic arithmetic : {Arithmetic::kRescaled, Arithmetic::kExact}) {
    FloatSample sample(13, {2, 8, 8});
    sample.average_pool(FloatSample::window(3, 2, 1), false);
    const auto outcome =
        quantize(sample.graph, sample.samples(10, 0, 1), {.arithmetic = arithmetic, .max_accuracy_loss = 100});
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(outcome.error().place.find("'n0'"), std::string::npos);
  }
}

TEST(Quantize, WrongOptionsAndSamplesAreRefused) {
  FloatSample sample(14, {4});
  sample.dense(3);
  const auto samples = sample.samples(5, -1, 1);
  const auto expect_invalid = [&](const std::vector<std::vector<float>>& x, const QuantizeOptions& options) {
    const auto outcome = quantize(sample.graph, x, options);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument) << outcome.error().message();
  };
  expect_invalid({}, {});
  expect_invalid({{1, 2, 3}}, {});
  expect_invalid({{1, 2, 3, NAN}}, {});
  expect_invalid(samples, {.weight_bits = 1});
  expect_invalid(samples, {.weight_bits = 17});
  expect_invalid(samples, {.activation_bits = 3});
  expect_invalid(samples, {.activation_bits = 17});
  expect_invalid(samples, {.max_accuracy_loss = -1});
  expect_invalid(samples, {.labels = {1, 2}});
}

TEST(Quantize, LayersAddUpToTheGraph) {
  FloatSample sample(15, {2, 8, 8});
  sample.conv(4, 1, FloatSample::window(3)).apply(op::Relu{}).max_pool(FloatSample::window(2, 2)).flatten().dense(5);
  const auto outcome = quantize(sample.graph, sample.samples(10, 0, 1), {.max_accuracy_loss = 100});
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(outcome->layers.size(), 3u);
  EXPECT_EQ(outcome->layers[0].op, "Conv2d + Relu");
  EXPECT_EQ(outcome->layers[0].name, "n0");
  EXPECT_EQ(outcome->layers[0].lookups, 4u * 36);
  EXPECT_EQ(outcome->layers[1].lookups, 4u * 9 * 4);
  std::size_t parameters = 0, expected = 0;
  for (const LayerSummary& layer : outcome->layers) parameters += layer.parameters;
  for (const auto& values : outcome->graph.values) expected += model::value_count(values);
  EXPECT_EQ(parameters, expected);
}

}  // namespace
}  // namespace blindproof::compiler

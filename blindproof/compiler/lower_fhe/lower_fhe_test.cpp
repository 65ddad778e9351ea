#include "blindproof/compiler/lower_fhe/lower_fhe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "blindproof/compiler/lower_fhe/affine_expression.h"
#include "blindproof/compiler/lower_fhe/approximation.h"
#include "blindproof/compiler/lower_fhe/cost.h"
#include "blindproof/compiler/lower_fhe/layouts.h"
#include "blindproof/compiler/quantize/float_graph_samples.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fheml/batch_executor.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/fheml/prediction.h"

namespace blindproof::compiler {
namespace {

namespace ckks = fhe::ckks;
namespace op = model::float_op;

std::vector<model::FloatRange> ranges_of(const model::FloatGraph& graph, const std::vector<std::vector<float>>& samples) {
  std::vector<model::FloatRange> ranges(graph.shapes.size(), {INFINITY, -INFINITY});
  for (const std::vector<float>& sample : samples) {
    const auto values = model::run_float(graph, sample);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const auto [low, high] = std::ranges::minmax(values[i]);
      ranges[i] = {std::min(ranges[i].low, low), std::max(ranges[i].high, high)};
    }
  }
  return ranges;
}

FloatSample& square(FloatSample& s) { return s.append(op::Multiply{}, {s.at, s.at}, s.shape()); }

// What linear nodes and products do is exact, so that a program without polynomials must agree with the float network.
FloatSample exact_network(std::uint64_t seed) {
  FloatSample s(seed, {2, 8, 8});
  switch (seed % 5) {
    case 0:  // strides, padding, groups, dilation
      square(s.conv(4, 2, FloatSample::window(3, 2, 1)));
      square(s.conv(4, 1, FloatSample::window(2, 1, 1, 2))).average_pool(FloatSample::window(2, 2), true).flatten().dense(3);
      break;
    case 1: {  // a residual branch, and batch normalisation
      s.conv(3, 1, FloatSample::window(3, 1, 1)).scale_shift(0);
      const model::TensorId skip = s.at;
      square(s);
      s.conv(3, 1, FloatSample::window(3, 1, 1));
      s.append(op::Add{}, {s.at, skip}, s.shape());
      square(s).average_pool(FloatSample::window(3, 2, 1), false).flatten().dense(5);
      break;
    }
    case 2:  // pooling before anything else, a transposition, rows of a matrix
      s.average_pool(FloatSample::window(2, 1, 1), true).transpose({1, 2, 0}).dense(3).transpose({2, 0, 1});
      square(s).flatten().dense(4);
      break;
    case 3: {  // a product of two branches, and a difference
      s.flatten().dense(12);
      const model::TensorId left = s.at;
      s.at = 0;
      s.flatten().dense(12);
      s.append(op::Multiply{}, {left, s.at}, {12});
      s.append(op::Subtract{}, {s.at, left}, {12});
      s.dense(2);
      break;
    }
    default:  // wide after narrow
      square(s.flatten().dense(3));
      square(s.dense(70)).dense(6);
  }
  return s;
}

TEST(LowerFhe, ProgramsOfSquareNetworksAreTheNetworks) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    FloatSample s = exact_network(seed);
    const auto samples = s.samples(8, -1, 1);
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples));
    ASSERT_TRUE(lowered.ok()) << seed << ": " << lowered.error().message();
    const fheml::Program& program = lowered->program;
    for (const auto& sample : samples) {
      const std::vector<float> expected = model::run_float(s.graph, sample)[s.graph.output];
      const std::vector<double> output =
          fheml::finish(program.client, fheml::run_plain(program, std::vector<double>(sample.begin(), sample.end())));
      ASSERT_EQ(output.size(), expected.size());
      for (std::size_t i = 0; i < output.size(); ++i) {
        EXPECT_NEAR(output[i], static_cast<double>(expected[i]), 1e-4 * (1 + std::abs(static_cast<double>(expected[i])))) << seed;
      }
    }
    EXPECT_EQ(program.client.output_level, 0);
    EXPECT_EQ(fheml::parse_program(fheml::write_program(program))->client, program.client);
  }
}

std::vector<double> run_encrypted(const fheml::Program& program, const std::vector<float>& sample, double& error_bound) {
  const fheml::Executor executor = fheml::Executor::create(program).value();
  const ckks::ContextPtr& context = executor.context();
  crypto::Csprng random;
  const auto secret = ckks::generate_secret_key(*context, random);
  const auto relinearization = ckks::generate_relinearization_key(*context, secret, context->top_level(), random);
  const auto rotations =
      fheml::generate_rotation_keys(*context, secret, program.client, random);
  const ckks::Encoder encoder(context);
  const std::vector<double> slots = fheml::spread(program.client.input, std::vector<double>(sample.begin(), sample.end()), context->slots());
  const auto x = ckks::encrypt(secret, encoder.encode(slots, context->top_level()).value(), random);
  const auto y = executor.run(x, &relinearization, rotations);
  EXPECT_TRUE(y.ok()) << (y.ok() ? "" : y.error().message());
  error_bound = y->error_bound();
  return fheml::gather(program.client.output, encoder.decode_real(ckks::decrypt(secret, *y).value()));
}

TEST(LowerFhe, EncryptedResultsAreThoseOfThePlainProgram) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    FloatSample s = exact_network(seed);
    const auto samples = s.samples(8, -1, 1);
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples)).value();
    double bound = 0;
    const std::vector<double> encrypted = run_encrypted(lowered.program, samples[3], bound);
    const std::vector<double> plain = fheml::run_plain(lowered.program, std::vector<double>(samples[3].begin(), samples[3].end()));
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(encrypted[i], plain[i], bound + 1e-12) << seed;  // doubles end before long scales do
      EXPECT_NEAR(encrypted[i], plain[i], 1e-4) << seed;
    }
  }
}

// Tensors of more elements than the largest ring has slots.
FloatSample wide_network(int which) {
  FloatSample s(static_cast<std::uint64_t>(which), {1, 32, 32});
  switch (which) {
    case 0:  // strides put channels of the next image on one grid
      square(s.conv(40, 1, FloatSample::window(3, 1, 1)));
      square(s.conv(4, 1, FloatSample::window(3, 2, 1))).flatten().dense(3);
      break;
    case 1: {  // a sum and a product of tensors in parts
      square(s.conv(40, 1, FloatSample::window(3, 1, 1)));
      const model::TensorId skip = s.at;
      s.conv(40, 40, FloatSample::window(3, 1, 1)).append(op::Add{}, {s.at, skip}, s.shape());
      s.append(op::Multiply{}, {s.at, skip}, s.shape()).average_pool(FloatSample::window(4, 4), false).flatten().dense(4);
      break;
    }
    case 2:  // parts of unequal length that aren't channels, and a polynomial
      s.average_pool(FloatSample::window(8, 8), false).flatten().dense(33001).apply(op::Tanh{}).dense(2);
      break;
    default:  // an image whose channels alone fill a ciphertext
      s.graph.shapes[0] = {1, 128, 128};
      square(s.conv(3, 1, FloatSample::window(3, 1, 1))).average_pool(FloatSample::window(16, 16), false).flatten().dense(2);
  }
  return s;
}

TEST(LowerFhe, TensorsBeyondTheSlotsTakeSeveralCiphertexts) {
  for (int which = 0; which < 4; ++which) {
    FloatSample s = wide_network(which);
    const auto samples = s.samples(2, -1, 1);
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0, .degree = 7});
    ASSERT_TRUE(lowered.ok()) << which << ": " << lowered.error().message();
    std::size_t largest = 0;
    for (const StepSummary& step : lowered->steps) largest = std::max(largest, step.period);
    EXPECT_LE(largest, std::size_t{1} << (lowered->program.client.parameters.log_degree - 1));
    EXPECT_EQ(fheml::parse_program(fheml::write_program(lowered->program))->client, lowered->program.client);
    const std::vector<double> x(samples[0].begin(), samples[0].end());
    const std::vector<double> plain = fheml::run_plain(lowered->program, x);
    const std::vector<float> expected = model::run_float(s.graph, samples[0])[s.graph.output];
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(plain[i], static_cast<double>(expected[i]), (which == 2 ? 0.05 : 1e-4) * (1 + std::abs(plain[i]))) << which;
    }
    double bound = 0;
    const std::vector<double> encrypted = run_encrypted(lowered->program, samples[0], bound);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(encrypted[i], plain[i], bound) << which;
      EXPECT_NEAR(encrypted[i], plain[i], 1e-3) << which;
    }
  }
}

TEST(LowerFhe, PartsAreWholeChannelsAndAsEvenAsTheyCanBe) {
  for (const model::Shape& shape : {model::Shape{40, 32, 32}, model::Shape{7, 100, 3}, model::Shape{33001}, model::Shape{3, 200, 200}, model::Shape{5}}) {
    for (const std::size_t most : {std::size_t{4096}, std::size_t{32768}}) {
      std::size_t at = 0, smallest = SIZE_MAX, largest = 0;
      const std::vector<Part> parts = split(shape, std::nullopt, most);
      for (const Part& part : parts) {
        EXPECT_EQ(part.first, at);
        EXPECT_EQ(model::element_count(part.shape), part.count);
        EXPECT_LE(part.count, most);
        smallest = std::min(smallest, part.count);
        largest = std::max(largest, part.count);
        at += part.count;
      }
      EXPECT_EQ(at, model::element_count(shape));
      const bool by_channel = parts.size() > 1 && parts[0].shape.size() == 3;
      EXPECT_LE(largest - smallest, by_channel ? shape[1] * shape[2] : 1);
    }
  }
}

TEST(LowerFhe, InputsAndOutputsBeyondTheSlotsAreRefused) {
  FloatSample in(1, {3, 200, 200});
  in.average_pool(FloatSample::window(100, 100), false).flatten().dense(2);
  FloatSample out(1, {16});
  out.dense(40000);
  for (const FloatSample& s : {in, out}) {
    const auto lowered = lower_fhe(s.graph, std::vector<model::FloatRange>(s.graph.shapes.size(), {-1, 1}));
    ASSERT_FALSE(lowered.ok());
    EXPECT_EQ(lowered.error().code, base::ErrorCode::kLimit);
    EXPECT_NE(lowered.error().message().find("slots"), std::string::npos) << lowered.error().message();
  }
}

TEST(LowerFhe, ProgramsForBatchesGiveEverySampleItsResult) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    FloatSample s = exact_network(seed);
    const auto samples = s.samples(4, -1, 1);
    const auto ranges = ranges_of(s.graph, samples);
    const fheml::Program program =
        lower_fhe(s.graph, ranges, {.hiding_bits = 0, .packing = fheml::Packing::kBatch}).value().program;
    EXPECT_TRUE(program.client.rotations.empty());
    EXPECT_EQ(fheml::parse_program(fheml::write_program(program))->client, program.client);
    const ckks::ContextPtr context = ckks::Context::create(program.client.parameters).value();
    crypto::Csprng random;
    const auto secret = ckks::generate_secret_key(*context, random);
    const auto relinearization = ckks::generate_relinearization_key(*context, secret, context->top_level(), random);
    const ckks::Encoder encoder(context);
    std::vector<ckks::Ciphertext> input;
    for (std::size_t k = 0; k < samples[0].size(); ++k) {
      std::vector<double> slots;
      for (const auto& sample : samples) slots.push_back(static_cast<double>(sample[k]));
      input.push_back(ckks::encrypt(secret, encoder.encode(slots, context->top_level()).value(), random));
    }
    const auto output = fheml::BatchExecutor::create(program, context)->run(std::move(input), &relinearization).value();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::vector<double> plain = fheml::run_plain(program, std::vector<double>(samples[i].begin(), samples[i].end()));
      ASSERT_EQ(output.size(), plain.size());
      for (std::size_t k = 0; k < plain.size(); ++k) {
        EXPECT_NEAR(encoder.decode_real(ckks::decrypt(secret, output[k]).value())[i], plain[k], output[k].error_bound()) << seed;
        EXPECT_LT(output[k].error_bound(), 1e-3);
      }
    }
  }
}

TEST(LowerFhe, ActivationsBecomePolynomialsOnTheirRanges) {
  for (const model::FloatOp& activation : {model::FloatOp(op::Relu{}), model::FloatOp(op::Clip{-0.5f, 1}), model::FloatOp(op::Sigmoid{}),
                                           model::FloatOp(op::Tanh{}), model::FloatOp(op::Erf{})}) {
    FloatSample s(3, {20});
    s.dense(16).apply(activation).dense(4);
    const auto samples = s.samples(50, -1, 1);
    double last = INFINITY;
    for (const std::size_t degree : {3u, 7u, 31u}) {
      const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0, .degree = degree}).value();
      EXPECT_EQ(lowered.steps[1].operation, "polynomial of degree " + std::to_string(degree));
      double largest = 0;
      for (const auto& sample : samples) {
        const std::vector<float> expected = model::run_float(s.graph, sample)[s.graph.output];
        const std::vector<double> output = fheml::run_plain(lowered.program, std::vector<double>(sample.begin(), sample.end()));
        for (std::size_t i = 0; i < output.size(); ++i) largest = std::max(largest, std::abs(output[i] - static_cast<double>(expected[i])));
      }
      EXPECT_LT(largest, last);
      last = largest;
    }
    EXPECT_LT(last, 0.15);
    double bound = 0;
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0, .degree = 7}).value();
    const std::vector<double> encrypted = run_encrypted(lowered.program, samples[0], bound);
    const std::vector<double> plain = fheml::run_plain(lowered.program, std::vector<double>(samples[0].begin(), samples[0].end()));
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(encrypted[i], plain[i], 1e-4);
  }
}

// As files spell them: x times (1 + erf(x/sqrt(2))) / 2, x sigmoid(x), x clip(x/6 + 1/2).
void gelu(FloatSample& s) {
  const model::TensorId x = s.at;
  const std::size_t size = s.shape().back();
  s.append(op::ScaleShift{0, std::vector<float>(size, std::sqrt(0.5f)), std::vector<float>(size)}, {x}, {size});
  s.apply(op::Erf{});
  s.append(op::ScaleShift{0, std::vector<float>(size, 0.5f), std::vector<float>(size, 0.5f)}, {s.at}, {size});
  s.append(op::Multiply{}, {x, s.at}, {size});
}
void silu(FloatSample& s) {
  const model::TensorId x = s.at;
  s.apply(op::Sigmoid{}).append(op::Multiply{}, {s.at, x}, {s.shape().back()});
}
void hard_swish(FloatSample& s) {
  const model::TensorId x = s.at;
  const std::size_t size = s.shape().back();
  s.append(op::ScaleShift{0, std::vector<float>(size, 1 / 6.f), std::vector<float>(size, 0.5f)}, {x}, {size});
  s.apply(op::Clip{0, 1}).append(op::Multiply{}, {x, s.at}, {size});
}

TEST(LowerFhe, ActivationsOfSeveralNodesBecomeOnePolynomial) {
  for (void (*activation)(FloatSample&) : {gelu, silu, hard_swish}) {
    FloatSample s(3, {20});
    s.dense(16);
    activation(s);
    s.dense(4);
    const auto samples = s.samples(50, -2, 2);
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0, .degree = 15}).value();
    ASSERT_EQ(lowered.program.steps.size(), 3u);
    EXPECT_EQ(lowered.steps[1].operation, "polynomial of degree 15");
    for (const auto& sample : samples) {
      const std::vector<float> expected = model::run_float(s.graph, sample)[s.graph.output];
      const std::vector<double> output = fheml::run_plain(lowered.program, std::vector<double>(sample.begin(), sample.end()));
      for (std::size_t i = 0; i < output.size(); ++i) EXPECT_NEAR(output[i], static_cast<double>(expected[i]), 0.05);
    }
  }
}

TEST(LowerFhe, ActivationsWhosePartsOthersReadStaySeparate) {
  FloatSample s(3, {20});
  s.dense(16);
  const model::TensorId x = s.at;
  s.apply(op::Sigmoid{});
  const model::TensorId gate = s.at;
  s.append(op::Multiply{}, {gate, x}, {16});
  s.append(op::Add{}, {s.dense(16).at, gate}, {16});
  const auto samples = s.samples(50, -1, 1);
  const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0, .degree = 15}).value();
  std::vector<std::string> operations;
  for (const StepSummary& step : lowered.steps) operations.push_back(step.operation);
  EXPECT_EQ(std::ranges::count(operations, "polynomial of degree 15"), 1);
  EXPECT_EQ(std::ranges::count(operations, "product"), 1);
  for (const auto& sample : samples) {
    const std::vector<float> expected = model::run_float(s.graph, sample)[s.graph.output];
    const std::vector<double> output = fheml::run_plain(lowered.program, std::vector<double>(sample.begin(), sample.end()));
    for (std::size_t i = 0; i < output.size(); ++i) EXPECT_NEAR(output[i], static_cast<double>(expected[i]), 0.02);
  }
}

TEST(LowerFhe, EndsOfNetworksAreLeftToTheClient) {
  for (const auto& [end, finish] : {std::pair{model::FloatOp(op::Softmax{}), fheml::Finish::kSoftmax},
                                    std::pair{model::FloatOp(op::Sigmoid{}), fheml::Finish::kSigmoid},
                                    std::pair{model::FloatOp(op::ArgMax{}), fheml::Finish::kArgMax}}) {
    FloatSample s(1, {6});
    s.dense(4);
    s.append(end, {s.at}, finish == fheml::Finish::kArgMax ? model::Shape{} : model::Shape{4});
    const auto samples = s.samples(4, -1, 1);
    const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples)).value();
    EXPECT_EQ(lowered.program.client.finish, finish);
    EXPECT_EQ(lowered.program.steps.size(), 1u);
    const std::vector<float> expected = model::run_float(s.graph, samples[0])[s.graph.output];
    const std::vector<double> output = fheml::finish(
        lowered.program.client, fheml::run_plain(lowered.program, std::vector<double>(samples[0].begin(), samples[0].end())));
    ASSERT_EQ(output.size(), expected.size());
    for (std::size_t i = 0; i < output.size(); ++i) EXPECT_NEAR(output[i], static_cast<double>(expected[i]), 1e-5);
  }
}

TEST(LowerFhe, ChoosesTheSmallestRingAndFewDiagonals) {
  FloatSample s(1, {784});
  square(s.dense(128));
  square(s.dense(64)).dense(10);
  const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, s.samples(2, 0, 1)), {.hiding_bits = 0}).value();
  EXPECT_EQ(lowered.program.client.parameters.log_degree, 14);
  EXPECT_EQ(lowered.program.client.parameters.levels, 5);
  EXPECT_EQ(lowered.steps[0].diagonals, 16u) << "128 for eight copies of the input, turned";
  EXPECT_EQ(lowered.steps[2].diagonals, 64u);
  EXPECT_EQ(lowered.steps[4].diagonals, 16u);
}

// 256 diagonals in 8192 slots: 32 copies of the same, unless they are turned first.
TEST(LowerFhe, TurnsCopiesWhereThatPays) {
  FloatSample s(1, {100});
  square(s.dense(256));
  square(s.dense(256)).dense(10);
  const auto samples = s.samples(4, 0, 1);
  const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples), {.hiding_bits = 0}).value();
  std::vector<std::string> operations;
  for (const StepSummary& step : lowered.steps) operations.push_back(step.operation);
  EXPECT_EQ(operations, (std::vector<std::string>{"matrix", "square", "turn copies", "matrix", "square", "matrix"}));
  EXPECT_EQ(lowered.program.client.parameters.levels, 6);
  EXPECT_LE(lowered.steps[2].diagonals, 32u);
  EXPECT_LE(lowered.steps[3].diagonals, 16u);
  EXPECT_EQ(fheml::parse_program(fheml::write_program(lowered.program))->client, lowered.program.client);
  double bound = 0;
  const std::vector<double> encrypted = run_encrypted(lowered.program, samples[0], bound);
  const std::vector<float> expected = model::run_float(s.graph, samples[0])[s.graph.output];
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(encrypted[i] * lowered.program.client.output_scale, static_cast<double>(expected[i]), 1e-3);
  EXPECT_LT(bound, 1e-2);
}

// The nearer to the ring's end, the more it is worth to be short.
TEST(LowerFhe, FloodedScalesAreNoLongerThanTheirErrorsNeed) {
  FloatSample s(1, {16});
  for (int i = 0; i < 3; ++i) square(s.dense(16));
  s.dense(4);
  const auto ranges = ranges_of(s.graph, s.samples(4, 0, 1));
  const auto shorter = lower_fhe(s.graph, ranges).value(), longest = lower_fhe(s.graph, ranges, {.scale_bits = 96}).value();
  EXPECT_LE(shorter.program.client.parameters.scale_bits, 96);
  EXPECT_LE(CostModel(shorter.program.client.parameters).program(shorter.program),
            CostModel(longest.program.client.parameters).program(longest.program));
  const auto context = ckks::Context::create(shorter.program.client.parameters).value();
  const auto flooded = ckks::predict_sanitized(*context, fheml::predict_output(shorter.program, *context), 40).value();
  EXPECT_LT(ckks::kTail * flooded.noise / context->scale(0), shorter.program.client.output_magnitude / 1024);
}

TEST(Costs, CountsAreThoseOfTheMatrixAndGrowWithTheLevel) {
  const fheml::Layout in = fheml::layout_in_order(64), out = fheml::layout_in_order(16);
  const auto matrix = fheml::SparseMatrix::dense(16, 64, std::vector<float>(16 * 64, 1));
  const MatrixCounts counts = counts_of(matrix, in, out, 4096);
  EXPECT_EQ(counts.diagonals, 16u);
  EXPECT_EQ(counts.folds, 2u);
  EXPECT_GE((counts.baby_steps + 1) * (counts.giant_steps + 1), 16u);
  const CostModel model({.log_degree = 15, .scale_bits = 40, .levels = 12, .first_bits = 50, .digits = 3, .special_limbs = 4});
  // One core, measured: 9.5, 6.1, 11.5 ms. The model chooses, so it need not be better than this.
  EXPECT_NEAR(model.rotation(12), 9.5e-3, 3e-3);
  EXPECT_NEAR(model.hoisted_rotation(12), 6.1e-3, 2e-3);
  EXPECT_NEAR(model.product(12), 11.5e-3, 3e-3);
  for (int level = 2; level <= 12; ++level) {
    EXPECT_GT(model.rotation(level), model.rotation(level - 1));
    EXPECT_GT(model.matrix(level, counts), model.matrix(level - 1, counts));
    EXPECT_GT(model.product(level), model.product(level - 1));
  }
}

TEST(LowerFhe, OutputsTooLargeForTheLowestLevelAreScaled) {
  FloatSample s(1, {8});
  s.dense(3);
  for (float& w : std::get<op::Dense>(s.graph.nodes[0].op).weight) w *= 3000;
  const auto samples = s.samples(4, -1, 1);
  const auto lowered = lower_fhe(s.graph, ranges_of(s.graph, samples)).value();
  EXPECT_GT(lowered.program.client.output_scale, 1);
  double bound = 0;
  const std::vector<double> output = fheml::finish(lowered.program.client, run_encrypted(lowered.program, samples[0], bound));
  const std::vector<float> expected = model::run_float(s.graph, samples[0])[s.graph.output];
  for (std::size_t i = 0; i < output.size(); ++i) EXPECT_NEAR(output[i], static_cast<double>(expected[i]), 0.01);
}

TEST(LowerFhe, RefusesWithAdvice) {
  const auto refusal = [](const FloatSample& s, const LowerFheOptions& options = {}) {
    std::vector<model::FloatRange> ranges(s.graph.shapes.size(), {-1, 1});
    const auto lowered = lower_fhe(s.graph, ranges, options);
    EXPECT_FALSE(lowered.ok());
    return lowered.ok() ? std::string() : lowered.error().message();
  };
  FloatSample pool(1, {2, 8, 8});
  pool.max_pool(FloatSample::window(2, 2)).flatten().dense(2);
  EXPECT_NE(refusal(pool).find("'n0': a maximum can't be computed"), std::string::npos);
  EXPECT_NE(refusal(pool).find("average pooling"), std::string::npos);

  FloatSample deep(1, {8});
  for (int i = 0; i < 30; ++i) square(deep.dense(8));
  EXPECT_NE(refusal(deep).find("needs 60 levels"), std::string::npos);

  FloatSample large(1, {1 << 16});
  large.dense(2);
  EXPECT_NE(refusal(large).find("65536 slots"), std::string::npos);

  FloatSample fine(1, {4});
  fine.dense(2);
  EXPECT_EQ(lower_fhe(fine.graph, {}).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_NE(refusal(fine, {.scale_bits = 97}).find("25 to 96"), std::string::npos);
}

TEST(Approximation, OddMinimaxPolynomialsAlternate) {
  for (const double low : {0.5, 0.1, 0.01}) {
    double last = 1;
    for (const std::size_t degree : {3u, 7u, 15u, 31u}) {
      const OddMinimax minimax = minimax_sign(low, degree);
      EXPECT_LT(minimax.error, last);
      last = minimax.error;
      // By de la Vallee-Poussin no odd polynomial is nearer than the least of (degree + 3) / 2 distances of alternating signs.
      std::size_t alternations = 0;
      int sign = 0;
      for (int i = 0; i <= 20000; ++i) {
        const double x = low * std::pow(1 / low, i / 20000.0), difference = ckks::evaluate(minimax.polynomial, x) - 1;
        if (std::abs(difference) < 0.99 * minimax.error || (difference > 0 ? 1 : -1) == sign) continue;
        sign = difference > 0 ? 1 : -1;
        ++alternations;
      }
      if (minimax.error > 1e-12) {
        EXPECT_GE(alternations, (degree + 3) / 2) << low << " " << degree;
      }
      EXPECT_NEAR(ckks::evaluate(minimax.polynomial, -0.7), -ckks::evaluate(minimax.polynomial, 0.7), 1e-12);
    }
  }
}

TEST(Approximation, CompositionsComeAsNearToTheSignAsTheySay) {
  int last = 0;
  for (const int bits : {1, 3, 5, 8, 12, 16}) {
    const std::vector<ckks::Polynomial> stages = composite_sign(bits);
    ASSERT_FALSE(stages.empty());
    int depth = 0;
    for (const ckks::Polynomial& stage : stages) depth += ckks::depth(stage);
    EXPECT_GE(depth, last);
    last = depth;
    const double error = std::ldexp(1.0, -bits);
    for (int i = 0; i <= 20000; ++i) {
      double y = 2.0 * i / 20000 - 1;
      const double x = y;
      for (const ckks::Polynomial& stage : stages) {
        EXPECT_LE(std::abs(y), 1 + 1e-9) << "within the basis' interval";
        y = ckks::evaluate(stage, y);
      }
      if (std::abs(x) >= error) {
        EXPECT_NEAR(y, x > 0 ? 1 : -1, error * (1 + 1e-6)) << x;
      }
      EXPECT_NEAR(x * (1 + y) / 2, std::max(x, 0.0), error * (1 + 1e-6)) << x;
    }
  }
}

TEST(LowerFhe, ReluByACompositionIsOffByItsBitsAtMost) {
  FloatSample s(3, {20});
  s.dense(16).apply(op::Relu{}).dense(4);
  const auto samples = s.samples(50, -1, 1);
  const auto ranges = ranges_of(s.graph, samples);
  double last = INFINITY;
  for (const int bits : {3, 6, 10}) {
    const auto lowered = lower_fhe(s.graph, ranges, {.hiding_bits = 0, .composite_bits = bits}).value();
    double largest = 0;
    for (const auto& sample : samples) {
      const std::vector<float> expected = model::run_float(s.graph, sample)[s.graph.output];
      const std::vector<double> output = fheml::run_plain(lowered.program, std::vector<double>(sample.begin(), sample.end()));
      for (std::size_t i = 0; i < output.size(); ++i) largest = std::max(largest, std::abs(output[i] - static_cast<double>(expected[i])));
    }
    EXPECT_LT(largest, last / 4);
    last = largest;
    if (bits != 6) continue;
    double bound = 0;
    const std::vector<double> encrypted = run_encrypted(lowered.program, samples[0], bound);
    const std::vector<double> plain = fheml::run_plain(lowered.program, std::vector<double>(samples[0].begin(), samples[0].end()));
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(encrypted[i], plain[i], 1e-4);
  }
}

TEST(Approximation, ReproducesPolynomialsAndImprovesWithTheDegree) {
  const auto cubic = [](double x) { return 0.3 - x + 0.5 * x * x * x; };
  EXPECT_LT(largest_error(fit(cubic, 3), cubic), 1e-12);
  const auto relu = [](double x) { return std::max(x, 0.0); };
  EXPECT_GT(largest_error(fit(relu, 4), relu), largest_error(fit(relu, 32), relu));
  EXPECT_LT(largest_error(fit(relu, 32), relu), 0.02);
}

}  // namespace
}  // namespace blindproof::compiler

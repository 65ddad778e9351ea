#include "blindproof/hybrid/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "blindproof/field/kernel_set.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {
namespace {

namespace frbgv = fhe::frbgv;

struct NetworkOptions {
  std::size_t inputs = 5, hidden = 0, outputs = 2;  // hidden 0: without a square
  bool second = true;
  int weight_bits = 8, bias_bits = 16;
  std::int64_t input_min = 0, input_max = 255;
};

model::IntegerGraph make_network(const NetworkOptions& o, std::uint64_t seed) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, seed);
  auto x = builder.input({o.inputs}, o.input_min, o.input_max);
  if (o.hidden == 0) return builder.finish(builder.dense(x, o.outputs, o.weight_bits, o.bias_bits));
  x = builder.dense(x, o.second ? o.hidden : o.outputs, o.weight_bits, o.bias_bits);
  x = builder.multiply(x, x);
  return builder.finish(o.second ? builder.dense(x, o.outputs, o.weight_bits, o.bias_bits) : x);
}

/// All weights and biases at one end of their ranges.
void make_extreme(model::IntegerGraph& graph, bool high) {
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const model::ParameterInfo& info = graph.architecture.parameters[id];
    std::visit(
        [&](auto& values) {
          using Value = std::decay_t<decltype(values[0])>;
          for (auto& v : values) v = static_cast<Value>(high ? info.max() : info.min());
        },
        graph.values[id]);
  }
}

struct Client {
  Client(const Spec& the_spec, int log_degree, std::uint64_t seed)
      : spec(the_spec),
        ring(frbgv::Ring::create(log_degree)),
        random(std::array<std::uint8_t, 32>{static_cast<std::uint8_t>(seed)}),
        secret(frbgv::SecretKey::generate(ring, random)),
        key(frbgv::PublicKey::generate(secret, the_spec.parameters().t, random)) {}

  const Spec& spec;
  frbgv::RingPtr ring;
  crypto::Csprng random;
  frbgv::SecretKey secret;
  frbgv::PublicKey key;
};

std::vector<std::int64_t> draw_records(const Spec& spec, std::size_t records, crypto::Csprng& random) {
  const model::Architecture& a = spec.architecture();
  std::vector<std::int64_t> values(records * spec.features());
  for (auto& v : values) v = a.input_min + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(a.input_max - a.input_min + 1)));
  // Records at both ends of the range.
  for (std::size_t d = 0; d < spec.features(); ++d) {
    values[d] = a.input_max;
    if (records > 1) values[spec.features() + d] = a.input_min;
  }
  return values;
}

std::vector<std::int64_t> interpreted(const Program& program, std::span<const std::int64_t> values) {
  const std::size_t features = program.spec().features();
  std::vector<std::int64_t> out;
  for (std::size_t p = 0; p < values.size() / features; ++p) {
    for (const model::Int128 v : model::run_integer(program.graph(), values.subspan(p * features, features))) out.push_back(static_cast<std::int64_t>(v));
  }
  return out;
}

/// Encrypts, evaluates and decrypts; every record must have the interpreter's integers and the phase its predicted length.
void expect_equal_to_the_interpreter(const Program& program, std::size_t records, int log_degree, std::uint64_t seed) {
  Client client(program.spec(), log_degree, seed);
  const std::vector<std::int64_t> values = draw_records(program.spec(), records, client.random);
  const auto inputs = encrypt_records(program.spec(), client.secret, values, frbgv::Seed{3}, client.random);
  ASSERT_TRUE(inputs.ok());
  const std::vector<Ciphertext> bare = evaluate_unprotected(program, *inputs);
  const auto bare_answers = decrypt_records(program.spec(), client.secret, bare, records);
  ASSERT_TRUE(bare_answers.ok());
  EXPECT_LE(bare_answers->phase_bits, std::ceil(program.spec().parameters().noise_worst_bits));
  // What the flood hides is what it was computed for.
  const Parameters& p = program.spec().parameters();
  const double flooded = 16384.0 * static_cast<double>(program.spec().outputs()) * static_cast<double>(p.evaluations);
  EXPECT_LE(bare_answers->phase_bits, std::log2(static_cast<double>(p.t)) + p.flood_bits - kHidingBits - std::log2(flooded));
  const Evaluation evaluation = evaluate(program, *client.ring, {&client.key, *inputs, records}, client.random);
  const auto answers = decrypt_records(program.spec(), client.secret, evaluation.outputs, records);
  ASSERT_TRUE(answers.ok()) << answers.error().message();
  EXPECT_LE(answers->phase_bits, std::ceil(program.spec().parameters().phase_bits));
  EXPECT_EQ(answers->values, interpreted(program, values));
  EXPECT_EQ(answers->values, bare_answers->values);
}

TEST(HybridProgram, GivesTheInterpretersIntegersOnEveryRecord) {
  std::mt19937_64 random(1);
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    NetworkOptions options;
    options.inputs = 1 + random() % 40;
    options.hidden = seed % 3 == 0 ? 0 : 1 + random() % 9;
    options.outputs = 1 + random() % 5;
    options.second = seed % 4 != 1;
    options.weight_bits = 2 + static_cast<int>(random() % 7);
    options.bias_bits = seed % 5 == 0 ? 0 : 16;
    if (seed % 2 == 0) {
      options.input_min = -128;
      options.input_max = 127;
    }
    auto program = Program::create(make_network(options, seed));
    ASSERT_TRUE(program.ok()) << program.error().message();
    expect_equal_to_the_interpreter(*program, seed % 7 == 0 ? 256 : 1 + random() % 256, 8, seed);
  }
}

TEST(HybridProgram, GivesTheInterpretersIntegersAtTheExtremesOfWeights) {
  for (const bool high : {false, true}) {
    for (const std::size_t hidden : {0u, 6u}) {
      NetworkOptions options;
      options.inputs = 20;
      options.hidden = hidden;
      model::IntegerGraph graph = make_network(options, 3);
      make_extreme(graph, high);
      auto program = Program::create(std::move(graph));
      ASSERT_TRUE(program.ok()) << program.error().message();
      expect_equal_to_the_interpreter(*program, 100, 8, 5);
    }
  }
}

TEST(HybridProgram, GivesTheSameOnEveryKernelSetAndAtFullDegree) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    auto program = Program::create(make_network({4, 3, 2, true, 8, 16, 0, 255}, 9));
    ASSERT_TRUE(program.ok());
    expect_equal_to_the_interpreter(*program, 37, set == base::simd_level() ? frbgv::kLogDegree : 9, 6);
  }
}

TEST(HybridProgram, DecryptsWithTheWorstRerandomiser) {
  // Every coefficient of flood and hiding at an end of its proven range, errors and masks too.
  auto program = Program::create(make_network({6, 4, 1, true, 8, 16, 0, 255}, 4));
  ASSERT_TRUE(program.ok());
  Client client(program->spec(), 8, 7);
  const std::vector<std::int64_t> values = draw_records(program->spec(), 200, client.random);
  const auto inputs = encrypt_records(program->spec(), client.secret, values, frbgv::Seed{}, client.random);
  ASSERT_TRUE(inputs.ok());
  const FrVector vanishing = frbgv::vanishing_values(*client.ring, program->spec().encoder(256), 200);
  for (const int sign : {-1, 1}) {
    std::vector<Ciphertext> outputs = evaluate_unprotected(*program, *inputs);
    frbgv::Rerandomizer worst = frbgv::draw_rerandomizer(*client.ring, program->spec().parameters().t,
                                                         rerandomizer_shape(program->spec().network(), program->spec().parameters()), client.random);
    for (auto& v : worst.masks) v = static_cast<std::int8_t>(sign);
    for (auto& v : worst.errors) v = static_cast<std::int8_t>(sign * frbgv::kErrorBound);
    for (auto& v : worst.limbs) v = sign < 0 ? -32768 : 32767;
    frbgv::add_rerandomizer(*client.ring, client.key, program->spec().parameters().t, vanishing, worst, 0, outputs[0]);
    const auto answers = decrypt_records(program->spec(), client.secret, outputs, 200);
    ASSERT_TRUE(answers.ok());
    EXPECT_EQ(answers->values, interpreted(*program, values));
  }
}

TEST(HybridParameters, AreTheFormulasInDoubles) {
  for (const std::size_t hidden : {0u, 16u}) {
    auto program = Program::create(make_network({30, hidden, 2, true, 8, 16, 0, 255}, 1), 1000);
    ASSERT_TRUE(program.ok()) << program.error().message();
    const Parameters& p = program->spec().parameters();
    const Bounds& bounds = program->spec().bounds();
    const double n = 16384, t = static_cast<double>(p.t);
    const auto affine = [&](std::size_t layer, double x) { return static_cast<double>(bounds[layer].weight_l1) * x + static_cast<double>(bounds[layer].bias); };
    double value = affine(0, 255), phase = affine(0, t * 21.5), masked = 42 * n;
    if (hidden != 0) {
      value = affine(1, value * value);
      phase = affine(1, n * phase * phase);
      masked += n * (42 * n + 21);
    }
    EXPECT_NEAR(p.plaintext_bits, std::log2(value), 1e-6);
    EXPECT_GT(t, 2 * value);
    EXPECT_LT(t, 2 * value + 1e9);
    EXPECT_EQ(p.t % 32768, 1u);
    EXPECT_NEAR(p.noise_worst_bits, std::log2(phase), 1e-6);
    double likely = phase;
    if (hidden != 0) {
      const double l1 = static_cast<double>(bounds[0].weight_l1), l = std::log(2.0) * (64 + std::log2(4 * n * 16 * 1000));
      const double message = l1 * t / 2 + static_cast<double>(bounds[0].bias), error = l1 * t;
      likely = affine(1, n * message * message + 2 * std::sqrt(21 * n * l) * message * error +
                             (42 * std::sqrt(0.29 * n * l) + 441) * error * error);
    }
    const double hidden_bound = masked + (likely + n * t / 2 * t + t / 2) / t;
    EXPECT_GE(p.flood_bits, 64 + std::log2(n * 2 * 1000 * hidden_bound));
    EXPECT_LT(p.flood_bits, 64 + 17 + std::log2(n * 2 * 1000 * hidden_bound));
    EXPECT_GT(p.room_bits, 0);
    EXPECT_GE(p.phase_bits, std::log2(t) + p.flood_bits - 1);
  }
}

TEST(HybridParameters, FloodGrowsWithTheDeclaredEvaluations) {
  const model::IntegerGraph graph = make_network({30, 0, 2, true, 8, 32, 0, 255}, 1);
  std::uint32_t last = 0;
  for (const std::uint64_t evaluations : {std::uint64_t{1}, std::uint64_t{1} << 20, std::uint64_t{1} << 40}) {
    auto program = Program::create(graph, evaluations);
    ASSERT_TRUE(program.ok());
    EXPECT_GT(program->spec().parameters().flood_bits, last);
    last = program->spec().parameters().flood_bits;
  }
  EXPECT_EQ(Program::create(graph, 0).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(Program::create(graph, (std::uint64_t{1} << 40) + 1).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(HybridParameters, WhatDoesNotFitIsRefusedWithItsFigures) {
  // Wide layers of long weights: too much noise, or too long plaintexts.
  for (const int weight_bits : {11, 16}) {
    const auto program = Program::create(make_network({784, 128, 10, true, weight_bits, 32, 0, 255}, 2));
    ASSERT_FALSE(program.ok());
    EXPECT_EQ(program.error().code, base::ErrorCode::kUnsupported);
    EXPECT_NE(program.error().detail.find("bits"), std::string::npos) << program.error().message();
    EXPECT_NE(program.error().detail.find("fewer bits"), std::string::npos) << program.error().message();
  }
}

TEST(HybridProgram, RefusesDeeperNetworksWithTheirNoise) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, 1);
  auto x = builder.input({8}, 0, 15);
  for (int layer = 0; layer < 2; ++layer) {
    x = builder.dense(x, 4, 4, 16);
    x = builder.multiply(x, x);
  }
  const auto program = Program::create(builder.finish(builder.dense(x, 2, 4, 16)));
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, base::ErrorCode::kUnsupported);
  EXPECT_NE(program.error().detail.find("2 products in sequence"), std::string::npos) << program.error().message();
}

TEST(HybridProgram, RefusesRecordsThatDontFit) {
  auto program = Program::create(make_network({3, 0, 1, true, 8, 16, 0, 255}, 1));
  ASSERT_TRUE(program.ok());
  Client client(program->spec(), 6, 1);
  const auto attempt = [&](std::vector<std::int64_t> values) {
    return encrypt_records(program->spec(), client.secret, values, frbgv::Seed{}, client.random);
  };
  EXPECT_EQ(attempt({}).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(attempt(std::vector<std::int64_t>(65 * 3)).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(attempt({1, 2}).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(attempt({1, 2, 256}).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(attempt({-1, 2, 3}).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_TRUE(attempt({0, 2, 255}).ok());
}

TEST(HybridProgram, RefusesAnswersOfOtherShapesAndKeys) {
  auto program = Program::create(make_network({3, 0, 1, true, 8, 16, 0, 255}, 1));
  ASSERT_TRUE(program.ok());
  Client client(program->spec(), 8, 1), other(program->spec(), 8, 2);
  const auto inputs = encrypt_records(program->spec(), client.secret, std::vector<std::int64_t>{1, 2, 3}, frbgv::Seed{}, client.random);
  ASSERT_TRUE(inputs.ok());
  const Evaluation evaluation = evaluate(*program, *client.ring, {&client.key, *inputs, 1}, client.random);
  EXPECT_EQ(decrypt_records(program->spec(), other.secret, evaluation.outputs, 1).error().code, base::ErrorCode::kRejected);
  EXPECT_EQ(decrypt_records(program->spec(), client.secret, *inputs, 1).error().code, base::ErrorCode::kMismatch);
  EXPECT_EQ(decrypt_records(program->spec(), client.secret, evaluation.outputs, 0).error().code, base::ErrorCode::kMismatch);
  std::vector<Ciphertext> longer = evaluation.outputs;
  longer[0].push_back(longer[0][0]);
  EXPECT_EQ(decrypt_records(program->spec(), client.secret, longer, 1).error().code, base::ErrorCode::kMismatch);
}

}  // namespace
}  // namespace blindproof::hybrid

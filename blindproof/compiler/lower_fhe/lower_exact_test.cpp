#include "blindproof/compiler/lower_fhe/lower_exact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "blindproof/fheml/exact_coefficient_executor.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::compiler {
namespace {

using base::Int128;
using fheml::Bfv;
using fheml::Bgv;
using fheml::ExactExecutor;
using fheml::ExactProgram;
using fheml::ExactScheme;
using model::IntegerGraph;
using testing::GraphBuilder;
using testing::TensorId;

template <class Scheme>
struct Session {
  using Ciphertext = typename Scheme::Ciphertext;

  explicit Session(const ExactProgram& made) : program(made) {
    const fheml::ExactParameters& p = program.client.parameters;
    contexts = Scheme::contexts(Scheme::create(p, p.primes[0]).value(), p).value();
    const auto& context = *contexts[0];
    secret.emplace(fhe::rlwe::SecretKey::generate(context.ring(), random));
    const std::uint64_t multiplier = Scheme::kScheme == ExactScheme::kBgv ? p.primes[0] : 1;
    public_key.emplace(fhe::rlwe::PublicKey::generate(*secret, multiplier, random));
    if (program.client.relinearization) {
      relinearization.emplace(fhe::rlwe::make_relinearization_key(*secret, context.ring()->q_count(), multiplier, random));
    }
    rotations = fhe::rlwe::make_rotation_keys(*secret, program.client.rotations, false, context.ring()->q_count(), multiplier, random);
    if constexpr (Scheme::kScheme == ExactScheme::kBfv) {
      if (program.client.coefficients) {
        linear.emplace(fheml::ExactCoefficientExecutor::create(program, contexts).value());
        return;
      }
    }
    executor.emplace(ExactExecutor<Scheme>::create(program, contexts).value());
  }

  std::vector<Ciphertext> encrypt_input(const std::vector<std::int64_t>& x) {
    std::vector<Ciphertext> result;
    for (const auto& context : contexts) {
      if (program.client.coefficients) {
        std::vector<std::uint64_t> coefficients(context->slots().slots());
        for (std::size_t i = 0; i < x.size(); ++i) coefficients[i] = context->t().reduce_signed(x[i]);
        result.push_back(encrypt(*secret, typename Scheme::Plaintext(context, std::move(coefficients)), random));
        continue;
      }
      const auto slots = fheml::spread(program.client.input, x, program.client.parameters.slots(), context->t());
      result.push_back(encrypt(*secret, Scheme::encode(context, slots).value(), random));
    }
    return result;
  }

  base::Result<std::vector<Ciphertext>> run_encrypted(const std::vector<Ciphertext>& input) const {
    if constexpr (Scheme::kScheme == ExactScheme::kBfv) {
      if (linear) return linear->run(input);
    }
    return executor->run(input, relinearization ? &*relinearization : nullptr, rotations);
  }

  std::vector<Int128> run(const std::vector<std::int64_t>& x) {
    auto outputs = run_encrypted(encrypt_input(x));
    EXPECT_TRUE(outputs.ok()) << outputs.error().message();
    if (!outputs.ok()) return {};
    std::vector<std::vector<std::int64_t>> residues;
    for (auto& output : *outputs) {
      if (program.client.hiding_bits > 0) output = sanitize(output, *public_key, program.client.hiding_bits, random).value();
      const auto plaintext = decrypt(*secret, output).value();
      residues.push_back(decode(plaintext));
      if (!program.client.coefficients) continue;
      residues.back().assign(plaintext.coefficients().begin(), plaintext.coefficients().end());
      for (std::int64_t& c : residues.back()) c = output.context()->t().centered(static_cast<std::uint64_t>(c));
    }
    const fheml::ResidueCombiner combiner(program.client.parameters.primes, program.client.output_bits);
    std::vector<Int128> result;
    for (std::size_t k = 0; k < program.client.output.positions.size(); ++k) {
      const std::size_t at = program.client.coefficients ? fheml::output_coefficient(program.client, k) : program.client.output.positions[k];
      std::vector<std::int64_t> of_element;
      for (const auto& values : residues) of_element.push_back(values[at]);
      const auto value = combiner.combine(of_element);
      EXPECT_TRUE(value.has_value());
      result.push_back(value.value_or(0));
    }
    return result;
  }

  ExactProgram program;
  std::vector<typename Scheme::ContextPtr> contexts;
  crypto::Csprng random{std::array<std::uint8_t, 32>{7}};
  std::optional<fhe::rlwe::SecretKey> secret;
  std::optional<fhe::rlwe::PublicKey> public_key;
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  fhe::rlwe::GaloisKeys rotations;
  std::optional<ExactExecutor<Scheme>> executor;
  std::optional<fheml::ExactCoefficientExecutor> linear;
};

std::string describe(const ExactProgram& program) {
  const fheml::ExactParameters& p = program.client.parameters;
  std::string text = "N = 2^" + std::to_string(p.log_degree) + ", " + std::to_string(p.limbs) + " limbs of " + std::to_string(p.limb_bits) +
                     ", digits " + std::to_string(p.digits) + ", special " + std::to_string(p.special_limbs) + ", output " +
                     std::to_string(program.client.output_bits) + " bits, primes";
  for (const std::uint64_t prime : p.primes) text += " " + std::to_string(prime);
  return text;
}

std::vector<std::int64_t> random_input(const IntegerGraph& graph, std::mt19937_64& random) {
  std::uniform_int_distribution<std::int64_t> uniform(graph.architecture.input_min, graph.architecture.input_max);
  std::vector<std::int64_t> x(model::element_count(graph.architecture.shapes[graph.architecture.input]));
  for (std::int64_t& value : x) value = uniform(random);
  return x;
}

template <class Scheme>
void expect_exact(const IntegerGraph& graph, const LowerExactOptions& options, std::size_t inputs, std::uint64_t seed) {
  const auto lowered = lower_exact(graph, options);
  ASSERT_TRUE(lowered.ok()) << lowered.error().message();
  SCOPED_TRACE(describe(lowered->program));
  std::mt19937_64 random(seed);
  Session<Scheme> session(lowered->program);
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<std::int64_t> x = random_input(graph, random);
    if (i == 0) std::ranges::fill(x, graph.architecture.input_max);  // where outputs are largest
    const std::vector<Int128> expected = model::run_exact(graph, x).tensors[graph.architecture.output];
    ASSERT_EQ(fheml::run_plain(lowered->program, x).value(), expected);
    EXPECT_EQ(session.run(x), expected);
  }
}

// Images and vectors, windows with strides, padding and groups, pooling, sums with public factors, moves, squares and products.
IntegerGraph random_graph(std::uint64_t seed) {
  GraphBuilder b(model::Arithmetic::kExact, seed);
  std::mt19937_64 random(seed);
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  TensorId x;
  if (pick(3) > 0) {
    const std::size_t channels = 2 * (1 + pick(2)), side = 6 + pick(3);
    x = b.input({channels, side, side}, pick(2) == 0 ? 0 : -8, 15);
    x = b.conv(x, 4, testing::window(3, 1 + pick(2), pick(2)), 1 + pick(2), 4, 16);
    if (pick(2) == 0) x = b.add(b.conv(x, 4, testing::window(3, 1, 1), 1, 3, 0), x, 1, static_cast<std::int64_t>(pick(9)) - 4);
    if (pick(2) == 0) x = b.multiply(x, x);
    if (pick(2) == 0) x = b.sum_pool(x, testing::window(2, 1 + pick(2)));
    if (pick(2) == 0) x = b.transpose(x, {1, 2, 0});
  } else {
    x = b.input({1 + pick(40)}, -100, 100);
    const TensorId y = b.dense(x, 5, 6);
    x = pick(2) == 0 ? b.multiply(y, b.dense(x, 5, 6)) : b.add(y, b.dense(b.multiply(y, y), 5, 4), 3, -2);
  }
  return b.finish(x);
}

IntegerGraph flat_dense(std::uint64_t seed) {
  GraphBuilder b(model::Arithmetic::kExact, seed);
  TensorId x = b.input({2, 5, 5}, 0, 15);
  x = b.sum_pool(b.conv(x, 3, testing::window(2), 1, 4), testing::window(2, 2));
  return b.finish(b.dense(b.reshape(b.multiply(x, x), {12}), 3, 4));
}

TEST(LowerExact, BfvGivesTheIntegersOfRandomNetworks) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    expect_exact<Bfv>(random_graph(seed), {.hiding_bits = seed % 2 == 0 ? 40 : 0}, 3, seed);
  }
  expect_exact<Bfv>(flat_dense(11), {}, 3, 11);
}

IntegerGraph logistic(std::size_t features, std::size_t outputs = 1) {
  GraphBuilder b(model::Arithmetic::kExact, features);
  return b.finish(b.dense(b.input({features}, -128, 127), outputs, 8, 16));
}

// Two hidden layers of squares.
IntegerGraph squares(std::size_t inputs, std::size_t hidden, int bits) {
  GraphBuilder b(model::Arithmetic::kExact, inputs);
  TensorId x = b.dense(b.input({inputs}, 0, (1 << bits) - 1), hidden, bits, 16);
  x = b.dense(b.multiply(x, x), hidden, bits, 32);
  return b.finish(b.dense(b.multiply(x, x), 10, bits, 64));
}

TEST(LowerExact, BgvGivesTheIntegersOfRandomNetworks) {
  std::size_t fit = 0;
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    SCOPED_TRACE(seed);
    const IntegerGraph graph = random_graph(seed);
    const LowerExactOptions options{.scheme = ExactScheme::kBgv, .hiding_bits = seed % 2 == 0 ? 40 : 0};
    const auto lowered = lower_exact(graph, options);
    if (!lowered.ok()) {  // outputs are too long for its one modulus
      EXPECT_EQ(lowered.error().code, base::ErrorCode::kLimit);
      continue;
    }
    ++fit;
    expect_exact<Bgv>(graph, options, 2, seed);
  }
  EXPECT_GE(fit, 5u);
}

// On coefficients: a small ring without evaluation keys.
TEST(LowerExact, LinearModelsOnBfvTakeNoKeySwitch) {
  for (const std::size_t features : {1u, 2u, 30u, 57u, 64u}) {
    const auto lowered = lower_exact(logistic(features));
    ASSERT_TRUE(lowered.ok()) << lowered.error().message();
    const fheml::ExactClientSpec& client = lowered->program.client;
    EXPECT_TRUE(client.coefficients);
    EXPECT_EQ(client.parameters.primes.size(), 1u);
    EXPECT_EQ(client.parameters.special_limbs, 0);
    EXPECT_LE(client.parameters.log_degree, 12);
    EXPECT_FALSE(client.relinearization);
    EXPECT_TRUE(client.rotations.empty());
    expect_exact<Bfv>(logistic(features), {}, 2, features);
    expect_exact<Bgv>(logistic(features), {.scheme = ExactScheme::kBgv}, 2, features);
  }
  expect_exact<Bfv>(logistic(30, 3), {}, 2, 1);
  expect_exact<Bfv>(logistic(100, 20), {}, 2, 1);
  // Too many rows for a polynomial.
  const auto wide = lower_exact(logistic(600, 128), {.hiding_bits = 0});
  ASSERT_TRUE(wide.ok()) << wide.error().message();
  EXPECT_FALSE(wide->program.client.coefficients);
}

// What the client could otherwise read of the weights is random.
TEST(LowerExact, OtherCoefficientsOfLinearModelsAreMasked) {
  const auto lowered = lower_exact(logistic(8));
  ASSERT_TRUE(lowered.ok());
  Session<Bfv> session(lowered->program);
  const auto input = session.encrypt_input(std::vector<std::int64_t>(8, 1));
  std::vector<std::vector<std::uint64_t>> runs;
  for (int run = 0; run < 2; ++run) {
    const auto plaintext = decrypt(*session.secret, session.run_encrypted(input).value()[0]).value();
    runs.emplace_back(plaintext.coefficients().begin(), plaintext.coefficients().end());
  }
  EXPECT_EQ(runs[0][0], runs[1][0]);
  std::size_t equal = 0;
  double sum = 0;
  for (std::size_t i = 1; i < runs[0].size(); ++i) {
    equal += runs[0][i] == runs[1][i];
    sum += static_cast<double>(runs[0][i]) / static_cast<double>(session.contexts[0]->t().value());
  }
  const double count = static_cast<double>(runs[0].size() - 1);
  EXPECT_LT(equal, 5u);
  EXPECT_NEAR(sum / count, 0.5, 6 / std::sqrt(12 * count));
}

TEST(LowerExact, TwoHiddenLayersOfSquaresTakeSeveralPrimes) {
  const IntegerGraph graph = squares(20, 12, 6);
  EXPECT_GT(lower_exact(graph)->program.client.parameters.primes.size(), 1u);
  expect_exact<Bfv>(graph, {}, 2, 1);
}

TEST(LowerExact, PredictsErrorsWhateverTheWeights) {
  const IntegerGraph graph = flat_dense(3);
  const auto lowered = lower_exact(graph, {.hiding_bits = 0});
  ASSERT_TRUE(lowered.ok());
  IntegerGraph other = graph;
  for (auto& values : other.values) {
    std::visit([](auto& v) { std::ranges::fill(v, 1); }, values);
  }
  const auto same = lower_exact(other, {.hiding_bits = 0});
  ASSERT_TRUE(same.ok());
  ASSERT_EQ(same->program.client.input, lowered->program.client.input);
  const fheml::ExactParameters& p = lowered->program.client.parameters;
  const auto context = Bfv::create(p, p.primes[0]).value();
  const auto predicted = fheml::predict<Bfv>(lowered->program, fheml::skeletons_of(lowered->program), *context).value();
  EXPECT_EQ(predicted.noise, fheml::predict<Bfv>(same->program, fheml::skeletons_of(same->program), *context)->noise);
}

TEST(LowerExact, TheLargestOutputThatIsPossibleFitsThePrimes) {
  for (const std::size_t features : {1u, 5u, 64u}) {
    const auto program = lower_exact(logistic(features))->program;
    EXPECT_GT(static_cast<double>(program.client.parameters.primes[0]), std::ldexp(1.0, program.client.output_bits + 1));
  }
  const auto several = lower_exact(squares(20, 12, 6))->program.client;
  double bits = 0;
  for (const std::uint64_t prime : several.parameters.primes) bits += std::log2(static_cast<double>(prime));
  EXPECT_GT(bits, several.output_bits + 1);
}

TEST(LowerExact, RefusesWithAdvice) {
  const auto refusal = [](const IntegerGraph& graph, const LowerExactOptions& options, base::ErrorCode code) {
    const auto lowered = lower_exact(graph, options);
    EXPECT_FALSE(lowered.ok());
    if (lowered.ok()) return std::string();
    EXPECT_EQ(lowered.error().code, code);
    return lowered.error().message();
  };
  GraphBuilder rescaled(model::Arithmetic::kRescaled, 1);
  const IntegerGraph rounds = rescaled.finish(rescaled.requantize(rescaled.dense(rescaled.input({4}, 0, 15), 2), 8, -128, 127));
  EXPECT_NE(refusal(rounds, {}, base::ErrorCode::kUnsupported).find("--arithmetic exact"), std::string::npos);
  EXPECT_NE(refusal(squares(20, 12, 6), {.scheme = ExactScheme::kBgv}, base::ErrorCode::kLimit).find("use BFV"), std::string::npos);
  EXPECT_NE(refusal(logistic(4), {.scheme = ExactScheme::kBgv, .packing = fheml::Packing::kBatch}, base::ErrorCode::kUnsupported).find("batches"),
            std::string::npos);
  refusal(logistic(4), {.hiding_bits = 45}, base::ErrorCode::kInvalidArgument);

  GraphBuilder wide(model::Arithmetic::kExact, 1);
  EXPECT_NE(refusal(wide.finish(wide.dense(wide.input({1 << 16}, 0, 1), 2, 2)), {}, base::ErrorCode::kLimit).find("65536 slots"), std::string::npos);

  // Products by 1 and 0: values stay small, errors don't.
  GraphBuilder deep(model::Arithmetic::kExact, 1);
  TensorId x = deep.input({2}, 0, 1);
  const TensorId bit = x;
  for (int i = 0; i < 24; ++i) x = deep.multiply(x, bit);
  EXPECT_NE(refusal(deep.finish(x), {}, base::ErrorCode::kLimit).find("24 steps in sequence"), std::string::npos);

  GraphBuilder zero(model::Arithmetic::kExact, 1);
  const TensorId y = zero.input({4}, 0, 15);
  EXPECT_NE(refusal(zero.finish(zero.add(y, y, 1, -1)), {}, base::ErrorCode::kUnsupported).find("doesn't depend"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::compiler

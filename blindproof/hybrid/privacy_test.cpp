// What a client can find out about a model that answers it: attacks that succeed without the re-randomiser or its flood (the
// controls), and fail with them; and what stays possible (docs/spec/hybrid.md, "Circuit privacy" and "What is not covered").
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "blindproof/hybrid/program.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {
namespace {

namespace frbgv = fhe::frbgv;
using field::Fr;
using field::FrVector;

constexpr std::size_t kFeatures = 3;

// One output, 8-bit weights.
Program linear_model(const std::vector<std::int8_t>& weights) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, 1);
  model::IntegerGraph graph = builder.finish(builder.dense(builder.input({weights.size()}, 0, 255), 1, 8, 0));
  graph.values[0] = weights;
  return *Program::create(std::move(graph));
}

struct Client {
  explicit Client(const Spec& spec, std::uint8_t seed)
      : random(std::array<std::uint8_t, 32>{seed}), ring(frbgv::Ring::create(10)), secret(frbgv::SecretKey::generate(ring, random)),
        key(frbgv::PublicKey::generate(secret, spec.parameters().t, random)) {}
  /// Coefficients of a phase, in (-r/2, r/2).
  std::vector<double> phase(const Ciphertext& c) const {
    FrVector sum = c[1];
    frbgv::multiply(sum, secret.values());
    frbgv::add(sum, c[0]);
    ring->inverse(sum);
    std::vector<double> out;
    for (const Fr& v : sum.to_vector()) {
      const auto magnitude = [](const Fr& x) {
        double value = 0;
        const field::Limbs limbs = x.to_limbs();
        for (std::size_t i = 4; i-- > 0;) value = value * 0x1p64 + static_cast<double>(limbs[i]);
        return value;
      };
      const double plus = magnitude(v), minus = magnitude(-v);
      out.push_back(plus < minus ? plus : -minus);
    }
    return out;
  }

  crypto::Csprng random;
  frbgv::RingPtr ring;
  frbgv::SecretKey secret;
  frbgv::PublicKey key;
};

template <class Number>
std::vector<Number> solve(std::vector<std::vector<Number>> a, std::vector<Number> b, const auto& inverse, const auto& is_zero) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    while (pivot + 1 < n && is_zero(a[pivot][i])) ++pivot;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    const Number scale = inverse(a[i][i]);
    for (std::size_t j = i; j < n; ++j) a[i][j] = a[i][j] * scale;
    b[i] = b[i] * scale;
    for (std::size_t k = 0; k < n; ++k) {
      if (k == i) continue;
      const Number factor = a[k][i];
      for (std::size_t j = i; j < n; ++j) a[k][j] = a[k][j] - factor * a[i][j];
      b[k] = b[k] - factor * b[i];
    }
  }
  return b;
}

std::vector<Fr> solve_fr(std::vector<std::vector<Fr>> a, std::vector<Fr> b) {
  return solve(std::move(a), std::move(b), [](const Fr& x) { return x.inverse(); }, [](const Fr& x) { return x.is_zero(); });
}

// Least squares: the weights that explain the output's phase by the inputs' phases best.
std::vector<double> fit_weights(const Client& client, const std::vector<Ciphertext>& inputs, const Ciphertext& output) {
  std::vector<std::vector<double>> x;
  for (const Ciphertext& input : inputs) x.push_back(client.phase(input));
  const std::vector<double> y = client.phase(output);
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  std::vector<std::vector<double>> normal(x.size(), std::vector<double>(x.size()));
  std::vector<double> right(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) normal[i][j] = product(x[i], x[j]);
    right[i] = product(x[i], y);
  }
  return solve(normal, right, [](double v) { return 1 / v; }, [](double v) { return v == 0; });
}

// Of two models that agree on every record (features 0 and 1 are equal), which one answered? The share of right guesses.
double guesses(bool flood) {
  const std::vector<std::int8_t> one{90, -70, 11}, two{-70, 90, 11};
  const Program first = linear_model(one), second = linear_model(two);
  constexpr int kTrials = 40;
  int right = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Client client(first.spec(), static_cast<std::uint8_t>(trial));
    const std::size_t records = client.ring->degree();  // all slots: Z h would be noise too
    std::vector<std::int64_t> values(records * kFeatures);
    for (std::size_t i = 0; i < records; ++i) {
      values[i * kFeatures] = values[i * kFeatures + 1] = static_cast<std::int64_t>(client.random.next_u64() % 256);
      values[i * kFeatures + 2] = static_cast<std::int64_t>(client.random.next_u64() % 256);
    }
    frbgv::Seed seed{};
    client.random.fill(seed);
    const auto inputs = *encrypt_records(first.spec(), client.secret, values, seed, client.random);
    const bool choice = client.random.next_u64() % 2 != 0;
    const Program& model = choice ? second : first;
    Evaluation evaluation = evaluate(model, *client.ring, {&client.key, inputs, records}, client.random);
    if (!flood) {
      // All of the re-randomiser but f_0.
      frbgv::Rerandomizer& r = evaluation.rerandomizer;
      const std::size_t n = client.ring->degree();
      for (std::size_t j = 0; j < r.shape.flood_limbs * n; ++j) r.limbs[j] = j / n + 1 == r.shape.flood_limbs ? 0 : INT16_MIN;
      evaluation.outputs = evaluate_unprotected(model, inputs);
      frbgv::add_rerandomizer(*client.ring, client.key, model.spec().parameters().t, evaluation.vanishing, r, 0, evaluation.outputs[0]);
    }
    const std::vector<double> fitted = fit_weights(client, inputs, evaluation.outputs[0]);
    right += (fitted[0] < fitted[1]) == choice ? 1 : 0;
    if (!flood) {
      EXPECT_GT(std::abs(fitted[0] - fitted[1]), 1);
    }
  }
  return static_cast<double>(right) / kTrials;
}

TEST(CircuitPrivacy, WithoutFloodNoiseTellsModelsApart) { EXPECT_GE(guesses(false), 0.9); }

TEST(CircuitPrivacy, WithFloodModelsThatAgreeOnTheRecordsCantBeToldApart) {
  const double share = guesses(true);
  EXPECT_GT(share, 0.15);  // both ends are passed by chance once in 100,000 times
  EXPECT_LT(share, 0.85);
}

// c_1 of an answer is a linear combination of the inputs' c_1.
std::vector<Fr> solve_component_one(const std::vector<Ciphertext>& inputs, const Ciphertext& output) {
  std::vector<std::vector<Fr>> a(kFeatures, std::vector<Fr>(kFeatures));
  std::vector<Fr> b;
  for (std::size_t p = 0; p < kFeatures; ++p) {
    for (std::size_t d = 0; d < kFeatures; ++d) a[p][d] = inputs[d][1].at(p);
    b.push_back(output[1].at(p));
  }
  return solve_fr(std::move(a), std::move(b));
}

TEST(CircuitPrivacy, WithoutRerandomizerAnAnswersComponentsAreTheWeightsAndWithItTheyAreNot) {
  const std::vector<std::int8_t> weights{90, -70, 11};
  const Program program = linear_model(weights);
  Client client(program.spec(), 1);
  const std::vector<std::int64_t> values(5 * kFeatures, 3);
  const auto inputs = *encrypt_records(program.spec(), client.secret, values, frbgv::Seed{7}, client.random);
  const std::vector<Fr> bare = solve_component_one(inputs, evaluate_unprotected(program, inputs)[0]);
  const Evaluation evaluation = evaluate(program, *client.ring, {&client.key, inputs, 5}, client.random);
  const std::vector<Fr> hidden = solve_component_one(inputs, evaluation.outputs[0]);
  for (std::size_t d = 0; d < kFeatures; ++d) {
    EXPECT_EQ(bare[d], Fr::from_i64(weights[d]));
    EXPECT_FALSE(hidden[d] == Fr::from_i64(weights[d]));
  }
}

// What a model gives in unused slots (its bias, through the square) would be one more answer.
TEST(CircuitPrivacy, UnusedSlotsDecryptToNoise) {
  const Program program = linear_model({90, -70, 11});
  Client client(program.spec(), 2);
  const std::vector<std::int64_t> values(5 * kFeatures, 3);
  const auto inputs = *encrypt_records(program.spec(), client.secret, values, frbgv::Seed{7}, client.random);
  const Evaluation evaluation = evaluate(program, *client.ring, {&client.key, inputs, 5}, client.random);
  const frbgv::SlotEncoder encoder = program.spec().encoder(client.ring->degree());
  const auto bare = frbgv::decrypt(client.secret, encoder, evaluate_unprotected(program, inputs)[0]).slots;
  const auto slots = frbgv::decrypt(client.secret, encoder, evaluation.outputs[0]).slots;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i < 5) {
      EXPECT_EQ(slots[i], (90 - 70 + 11) * 3);
    } else {
      EXPECT_EQ(bare[i], 0);
      if (slots[i] == bare[i]) ++equal;
    }
  }
  EXPECT_LE(equal, 3u);
}

// ------------------------------------------------------------------ limits

TEST(Limits, ExactOutputsOfASquareNetworkDetermineItAfterAsManySamplesAsCoefficients) {
  constexpr std::size_t d = 3, unknowns = (d + 1) * (d + 2) / 2;
  testing::GraphBuilder builder(model::Arithmetic::kExact, 4);
  const auto z = builder.dense(builder.input({d}, 0, 15), 5, 4, 8);
  const model::IntegerGraph graph = builder.finish(builder.dense(builder.multiply(z, z), 1, 4, 16));
  const auto monomials = [](const std::vector<std::int64_t>& x) {
    std::vector<Fr> row{Fr::one()};
    for (std::size_t i = 0; i < d; ++i) row.push_back(Fr::from_i64(x[i]));
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = i; j < d; ++j) row.push_back(Fr::from_i64(x[i] * x[j]));
    return row;
  };
  const auto output = [&](const std::vector<std::int64_t>& x) { return Fr::from_i128(model::run_integer(graph, x)[0]); };
  std::vector<std::vector<Fr>> a;
  std::vector<Fr> b;
  for (std::size_t i = 0; i < unknowns; ++i) {
    const std::vector<std::int64_t> x = builder.random_input(graph);
    a.push_back(monomials(x));
    b.push_back(output(x));
  }
  const std::vector<Fr> copy = solve_fr(a, b);
  for (int i = 0; i < 20; ++i) {
    const std::vector<std::int64_t> x = builder.random_input(graph);
    const std::vector<Fr> row = monomials(x);
    Fr predicted;
    for (std::size_t k = 0; k < unknowns; ++k) predicted += copy[k] * row[k];
    EXPECT_EQ(predicted, output(x));
  }
}

// A public key without p_1 doesn't mask c_1: malformed inputs then read the weights digit by digit. Model privacy needs an honest key.
TEST(Limits, AClientWithAMalformedKeyReadsTheWeights) {
  const std::vector<std::int8_t> weights{90, -70, 11};
  const Program program = linear_model(weights);
  Client client(program.spec(), 3);
  const std::size_t n = client.ring->degree();
  client.key.components[1] = FrVector(n);
  const auto digit = [](std::size_t d) { return Fr::power_of_two(static_cast<int>(150 + 16 * d)); };
  std::vector<Ciphertext> inputs;
  for (std::size_t d = 0; d < kFeatures; ++d) inputs.push_back({FrVector(n), FrVector(std::vector<Fr>(n, digit(d)))});
  FrVector answer = evaluate(program, *client.ring, {&client.key, inputs, 1}, client.random).outputs[0][1];
  client.ring->inverse(answer);  // sum_d w_d 2^(150 + 16d), and t f_1 far below
  const Fr half = Fr::power_of_two(149);
  Fr offset;
  for (std::size_t d = 0; d < kFeatures; ++d) offset += digit(d) * Fr::from_u64(1 << 15);
  field::Limbs limbs = (answer.at(0) + offset + half).to_limbs();
  for (std::size_t d = 0; d < kFeatures; ++d) {
    const std::size_t bit = 150 + 16 * d;
    const std::uint64_t low = limbs[bit / 64] >> (bit % 64), high = bit % 64 > 48 ? limbs[bit / 64 + 1] << (64 - bit % 64) : 0;
    EXPECT_EQ(static_cast<std::int64_t>((low | high) & 0xffff) - (1 << 15), weights[d]);
  }
}

}  // namespace
}  // namespace blindproof::hybrid

#include "blindproof/fheml/batch_executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fheml {
namespace {

namespace ckks = fhe::ckks;
using Samples = std::vector<std::vector<double>>;

SparseMatrix random_matrix(std::size_t rows, std::size_t columns, double density, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<float> values(rows * columns);
  for (float& value : values) value = uniform(random) < density ? static_cast<float>(uniform(random) - 0.5) : 0;
  values[0] = 0.25f;
  return SparseMatrix::dense(rows, columns, values);
}

std::vector<double> random_values(std::size_t count, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> result(count);
  for (double& x : result) x = uniform(random);
  return result;
}

// Steps of all kinds on values of all levels, at random; sparse matrices have rows without entries.
Program random_program(std::uint64_t seed, int scale_bits = 40) {
  std::mt19937_64 random(seed);
  constexpr int kLevels = 6;
  Program program;
  ClientSpec& client = program.client;
  client.parameters = {.log_degree = 8, .scale_bits = scale_bits, .levels = kLevels, .first_bits = scale_bits + 10, .digits = 2};
  client.packing = Packing::kBatch;
  client.input_shape = {9};
  client.input = layout_in_order(9);
  client.input_magnitude = 1;
  const auto pick = [&](std::size_t count) { return random() % count; };
  while (depth_of(program.steps) < kLevels - 1 || program.steps.size() < 4) {
    const std::vector<Layout> layouts = layouts_of(client.input, program.steps);
    const std::vector<int> levels = levels_of(program.steps, kLevels);
    const auto value = static_cast<ValueId>(pick(3) == 0 ? pick(layouts.size()) : layouts.size() - 1);
    const std::size_t kind = levels[value] <= 2 ? 0 : pick(4);
    if (levels[value] < 2) break;
    if (kind == 0 || kind == 3) {
      AffineStep step;
      const std::size_t rows = 1 + pick(12);
      for (std::size_t i = 0; i <= pick(2); ++i) {
        const auto from = i == 0 ? value : static_cast<ValueId>(pick(layouts.size()));
        if (levels[from] < 2) continue;
        step.terms.push_back({from, random_matrix(rows, layouts[from].positions.size(), kind == 0 ? 1 : 0.25, random)});
      }
      step.bias = random_values(rows, random);
      step.layout = layout_in_order(rows);
      program.steps.push_back({std::move(step), 1e3});
    } else if (kind == 1 && levels[value] >= 4) {
      program.steps.push_back({PolynomialStep{value, {.coefficients = {0.1, 0.5, -0.25}}}, 1e3});
    } else {
      program.steps.push_back({ProductStep{value, value}, 1e3});
    }
  }
  AffineStep last;
  const ValueId value = static_cast<ValueId>(program.steps.size());
  last.terms.push_back({value, random_matrix(3, layouts_of(client.input, program.steps).back().positions.size(), 0.5, random)});
  last.bias = random_values(3, random);
  last.layout = layout_in_order(3);
  program.steps.push_back({std::move(last), 1e3});
  client.output_shape = {3};
  client.output = layout_in_order(3);
  client.output_magnitude = 1e3;
  client.output_level = levels_of(program.steps, kLevels).back();
  client.relinearization =
      std::ranges::any_of(program.steps, [](const Step& step) { return !std::holds_alternative<AffineStep>(step.operation); });
  return program;
}

struct Client {
  explicit Client(const Program& program) : context(testing::InsecureParameters::ckks(program.client.parameters).value()) {
    secret.emplace(ckks::generate_secret_key(*context, random));
    relinearization.emplace(ckks::generate_relinearization_key(*context, *secret, context->top_level(), random));
  }
  std::vector<ckks::Ciphertext> encrypt(const Samples& samples) {
    std::vector<ckks::Ciphertext> result;
    for (std::size_t i = 0; i < samples[0].size(); ++i) {
      std::vector<double> slots;
      for (const auto& sample : samples) slots.push_back(sample[i]);
      result.push_back(ckks::encrypt(*secret, ckks::Encoder(context).encode(slots, context->top_level()).value(), random));
    }
    return result;
  }
  Samples decrypt(const std::vector<ckks::Ciphertext>& output, std::size_t samples) const {
    Samples result(samples);
    for (const ckks::Ciphertext& element : output) {
      const std::vector<double> slots = ckks::Encoder(context).decode_real(ckks::decrypt(*secret, element).value());
      for (std::size_t i = 0; i < samples; ++i) result[i].push_back(slots[i]);
    }
    return result;
  }

  ckks::ContextPtr context;
  crypto::Csprng random{std::array<std::uint8_t, 32>{5}};
  std::optional<fhe::rlwe::SecretKey> secret;
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
};

Samples random_samples(std::size_t count, std::mt19937_64& random) {
  Samples samples;
  for (std::size_t i = 0; i < count; ++i) samples.push_back(random_values(9, random));
  return samples;
}

TEST(BatchExecutors, GiveEverySampleWhatThePlainProgramGives) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Program program = random_program(seed, seed % 3 == 0 ? 80 : 40);
    Client client(program);
    const BatchExecutor executor = BatchExecutor::create(program, client.context).value();
    std::mt19937_64 random(seed);
    for (const std::size_t count : {std::size_t{1}, std::size_t{5}, client.context->slots()}) {
      const Samples samples = random_samples(count, random);
      const auto output = executor.run(client.encrypt(samples), &*client.relinearization);
      ASSERT_TRUE(output.ok()) << output.error().message();
      ASSERT_EQ(output->size(), 3u);
      const Samples decrypted = client.decrypt(*output, count);
      double largest = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::vector<double> expected = run_plain(program, samples[i]);
        for (std::size_t k = 0; k < 3; ++k) largest = std::max(largest, std::abs(decrypted[i][k] - expected[k]));
      }
      for (const ckks::Ciphertext& element : *output) {
        EXPECT_EQ(element.level(), program.client.output_level);
        EXPECT_LT(largest, element.error_bound() + 1e-11) << seed;  // doubles end before long scales do
        EXPECT_LT(element.error_bound(), 1) << seed;
        EXPECT_FALSE(fhe::rlwe::is_transparent(element.parts())) << "a bias in the open";
      }
    }
  }
}

// Errors of all elements of a value are one after a matrix of equal rows: nothing cancels then.
TEST(BatchExecutors, PredictErrorsThatAgree) {
  Program program = random_program(1);
  program.steps.clear();
  for (const auto& [rows, columns] : {std::pair{30u, 9u}, std::pair{30u, 30u}, std::pair{3u, 30u}}) {
    AffineStep step;
    step.terms.push_back({static_cast<ValueId>(program.steps.size()),
                          SparseMatrix::dense(rows, columns, std::vector<float>(std::size_t{rows} * columns, 0.25f))});
    step.bias.resize(rows);
    step.layout = layout_in_order(rows);
    program.steps.push_back({std::move(step), 1e3});
  }
  program.client.output_level = 3;
  program.client.relinearization = false;
  Client client(program);
  const BatchExecutor executor = BatchExecutor::create(program, client.context).value();
  std::mt19937_64 random(3);
  const Samples samples = random_samples(client.context->slots(), random);
  const auto output = executor.run(client.encrypt(samples), nullptr).value();
  const Samples decrypted = client.decrypt(output, samples.size());
  double largest = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    largest = std::max(largest, std::abs(decrypted[i][0] - run_plain(program, samples[i])[0]));
  }
  EXPECT_LT(largest, output[0].error_bound());
  EXPECT_GT(largest, output[0].error_bound() / 64);
}

TEST(BatchExecutors, RefuseWhatDoesNotFit) {
  const Program program = random_program(2);
  Client client(program), other(program);
  const BatchExecutor executor = BatchExecutor::create(program, client.context).value();
  EXPECT_GT(executor.bytes(), 0u);
  std::mt19937_64 random(1);
  const Samples samples = random_samples(3, random);
  const auto code = [&](std::vector<ckks::Ciphertext> input, bool key = true) {
    return executor.run(std::move(input), key ? &*client.relinearization : nullptr).error().code;
  };
  std::vector<ckks::Ciphertext> input = client.encrypt(samples);
  input.pop_back();
  EXPECT_EQ(code(input), base::ErrorCode::kMismatch);
  EXPECT_EQ(code({}), base::ErrorCode::kMismatch);
  EXPECT_EQ(code(other.encrypt(samples)), base::ErrorCode::kMismatch);
  input = client.encrypt(samples);
  input[4] = ckks::lower_to(input[4], 3).value();
  EXPECT_EQ(code(input), base::ErrorCode::kMismatch);
  ASSERT_TRUE(program.client.relinearization);
  EXPECT_EQ(code(client.encrypt(samples), false), base::ErrorCode::kInvalidArgument);

  Program single = program;
  single.client.packing = Packing::kSingle;
  EXPECT_EQ(BatchExecutor::create(single, client.context).error().code, base::ErrorCode::kMismatch);
  EXPECT_EQ(Executor::create(program, client.context).error().code, base::ErrorCode::kMismatch);
  Program large = program;
  for (Step& step : large.steps) {
    if (auto* affine = std::get_if<AffineStep>(&step.operation)) affine->terms[0].matrix.value[0] = 1e38f;
  }
  EXPECT_EQ(BatchExecutor::create(large, client.context).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(BatchPrograms, ReadBackAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Program program = random_program(seed);
    const base::Bytes bytes = write_program(program), spec = write_client_spec(program.client);
    const auto read = parse_program(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(write_program(*read), bytes);
    EXPECT_EQ(read->client, program.client);
    EXPECT_EQ(parse_client_spec(spec).value(), program.client);
  }
}

base::Bytes resealed(base::Bytes bytes) {
  bytes.resize(bytes.size() - fhe::formats::kChecksumBytes);
  base::ByteWriter writer;
  writer.raw(bytes);
  return fhe::formats::with_checksum(std::move(writer));
}

TEST(BatchPrograms, AlteredOnesAreRefusedOrCanonical) {
  const base::Bytes program = write_program(random_program(2)), spec = write_client_spec(random_program(2).client);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}}) {
      base::Bytes altered = program;
      altered[i] ^= flip;
      altered = resealed(std::move(altered));
      const auto read = parse_program(altered);
      if (read.ok()) {
        EXPECT_EQ(write_program(*read), altered) << i;
      }
      accepted += read.ok();
    }
  }
  EXPECT_GT(accepted, 100u);
  for (std::size_t i = 0; i < spec.size(); ++i) {
    base::Bytes altered = spec;
    altered[i] ^= 1;
    altered = resealed(std::move(altered));
    const auto read = parse_client_spec(altered);
    if (read.ok()) {
      EXPECT_EQ(write_client_spec(*read), altered) << i;
    }
    EXPECT_FALSE(parse_client_spec(base::ByteSpan(spec).first(i)).ok());
  }
}

TEST(BatchPrograms, HaveNoRotationsAndABoundOfElements) {
  Program program = random_program(2);
  program.client.rotations = {{1, 1}};
  EXPECT_EQ(parse_program(write_program(program)).error().code, base::ErrorCode::kMalformed);
  program.client.rotations.clear();
  program.client.input_shape = {kMaxElements + 1};
  EXPECT_EQ(parse_client_spec(write_client_spec(program.client)).error().code, base::ErrorCode::kMalformed);
  program.client.input_shape = {kMaxElements};
  program.client.parameters.levels = 100;
  program.steps.assign(65, Step{ProductStep{0, 0}, 1});
  EXPECT_EQ(parse_program(write_program(program)).error().code, base::ErrorCode::kLimit);
}

}  // namespace
}  // namespace blindproof::fheml

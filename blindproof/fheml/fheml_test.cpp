#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fheml {
namespace {

namespace ckks = fhe::ckks;

std::vector<std::uint32_t> some_positions(std::size_t count, std::size_t period, std::mt19937_64& random) {
  std::vector<std::uint32_t> all(period);
  for (std::uint32_t i = 0; i < period; ++i) all[i] = i;
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

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

// What diagonals and folds do, on plain slots.
std::vector<double> apply_plainly(const SlotMatrix& matrix, const std::vector<double>& in) {
  const std::size_t slots = in.size();
  std::vector<double> out(slots);
  for (const std::size_t d : matrix.numbers()) {
    const std::vector<double> diagonal = matrix.diagonal(d);
    for (std::size_t i = 0; i < slots; ++i) out[i] += diagonal[i] * in[(i + d) % slots];
  }
  for (const std::int64_t step : matrix.folds()) {
    const std::vector<double> before = out;
    for (std::size_t i = 0; i < slots; ++i) out[i] += before[(i + static_cast<std::size_t>(step)) % slots];
  }
  return out;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double bound) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], bound) << i;
}

TEST(Layouts, SpreadRepeatsAndTurnsAndGatherUndoesIt) {
  std::mt19937_64 random(1);
  const std::vector<double> values = random_values(5, random);
  Layout layout = periodic_layout(8, {3, 0, 7, 2, 4});
  for (const std::size_t shift : {std::size_t{0}, std::size_t{2}}) {
    layout.shift = shift;
    const std::vector<double> slots = spread(layout, values, 32);
    EXPECT_EQ(gather(layout, slots), values);
    for (std::size_t k = 0; k < 4; ++k) {
      for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(slots[8 * k + (layout.positions[i] + 8 - k * shift) % 8], values[i]);
      }
    }
  }
}

TEST(SparseMatrices, ProductsAndSumsAgreeWithVectors) {
  std::mt19937_64 random(2);
  for (const double density : {0.1, 0.5, 1.0}) {
    const SparseMatrix a = random_matrix(7, 5, density, random), b = random_matrix(5, 9, density, random);
    const SparseMatrix c = random_matrix(7, 5, density, random);
    const std::vector<double> x = random_values(9, random), y = random_values(5, random);
    expect_near(multiply(product(a, b), x), multiply(a, multiply(b, x)), 1e-6);
    std::vector<double> expected = multiply(a, y);
    const std::vector<double> more = multiply(c, y);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += more[i];
    expect_near(multiply(sum(a, c), y), expected, 1e-6);
  }
  const std::vector<double> x = random_values(6, random);
  EXPECT_EQ(multiply(SparseMatrix::identity(6), x), x);
}

// Every relation of periods, turned copies or not.
TEST(SlotMatrices, ActAsTheMatrixInEveryLayout) {
  std::mt19937_64 random(3);
  constexpr std::size_t kSlots = 64;
  for (std::size_t in_period = 4; in_period <= kSlots; in_period *= 2) {
    for (std::size_t out_period = 2; out_period <= kSlots; out_period *= 2) {
      for (const bool turned : {false, true}) {
        const std::size_t rows = std::max<std::size_t>(1, out_period - 1), columns = in_period - 1;
        Layout in = periodic_layout(in_period, some_positions(columns, in_period, random));
        const Layout out = periodic_layout(out_period, some_positions(rows, out_period, random));
        if (turned) {
          in.block = std::max(in_period, out_period);
          const std::size_t copies = kSlots / in.block;
          if (std::min(in_period, out_period) < copies) continue;
          in.shift = std::min(in_period, out_period) / copies;
          if (copies == 1) continue;
        }
        const SparseMatrix matrix = random_matrix(rows, columns, 0.7, random);
        const std::vector<double> x = random_values(columns, random);
        const SlotMatrix slots(matrix, in, out, kSlots);
        EXPECT_LE(slots.numbers().size(), turned ? in.shift : std::min(in_period, out_period));
        const std::vector<double> y = apply_plainly(slots, spread(in, x, kSlots));
        expect_near(gather(out, y), multiply(matrix, x), 1e-9);
        for (std::size_t i = 0; i < kSlots; ++i) EXPECT_NEAR(y[i], y[i % out_period], 1e-9);  // ready for the next one
      }
    }
  }
}

// Also where the new copies go to blocks of several periods.
TEST(SlotMatrices, TurnCopiesOfTheirResult) {
  std::mt19937_64 random(4);
  constexpr std::size_t kSlots = 64;
  for (std::size_t period = 4; period <= kSlots; period *= 2) {
    for (std::size_t block = period; block <= kSlots; block *= 2) {
      for (std::size_t shift = 1; shift < period; shift = 2 * shift + 1) {
        const std::size_t size = period - 1;
        const Layout in = periodic_layout(period, some_positions(size, period, random));
        Layout out = periodic_layout(period, in.positions);
        out.block = block;
        out.shift = shift;
        const std::vector<double> x = random_values(size, random);
        const SlotMatrix turn(SparseMatrix::identity(size), in, out, kSlots);
        EXPECT_LE(turn.numbers().size(), kSlots / block);
        expect_near(apply_plainly(turn, spread(in, x, kSlots)), spread(out, x, kSlots), 0);
        const SparseMatrix matrix = random_matrix(size, size, 0.7, random);
        expect_near(apply_plainly(SlotMatrix(matrix, in, out, kSlots), spread(in, x, kSlots)), spread(out, multiply(matrix, x), kSlots), 1e-9);
      }
    }
  }
}

struct Client {
  explicit Client(const Program& program) : context(testing::InsecureParameters::ckks(program.client.parameters).value()) {
    secret.emplace(ckks::generate_secret_key(*context, random));
    relinearization.emplace(ckks::generate_relinearization_key(*context, *secret, context->top_level(), random));
    rotations = generate_rotation_keys(*context, *secret, program.client, random);
  }
  ckks::Ciphertext encrypt(const Program& program, const std::vector<double>& x) {
    const std::vector<double> slots = spread(program.client.input, x, context->slots());
    return ckks::encrypt(*secret, ckks::Encoder(context).encode(slots, context->top_level()).value(), random);
  }
  std::vector<double> decrypt(const Program& program, const ckks::Ciphertext& y) const {
    return gather(program.client.output, ckks::Encoder(context).decode_real(ckks::decrypt(*secret, y).value()));
  }

  ckks::ContextPtr context;
  crypto::Csprng random{std::array<std::uint8_t, 32>{5}};
  std::optional<fhe::rlwe::SecretKey> secret;
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  fhe::rlwe::GaloisKeys rotations;
};

// Two branches of one input, a polynomial of one, their product, a sum with what came before: every kind of step.
Program sample_program(std::uint64_t seed, bool turned) {
  std::mt19937_64 random(seed);
  Program program;
  ClientSpec& client = program.client;
  client.parameters = {.log_degree = 8, .scale_bits = 40, .levels = 6, .first_bits = 50, .digits = 2};
  constexpr std::size_t kSlots = 128;
  client.input_shape = {11};
  client.output_shape = {3};
  client.input = periodic_layout(16, some_positions(11, 16, random));
  const Layout middle = periodic_layout(32, some_positions(20, 32, random));
  if (turned) {
    client.input.block = 32;
    client.input.shift = 16 * 32 / kSlots;
  }
  client.input_magnitude = 1;
  const auto affine = [&](std::vector<std::pair<ValueId, std::size_t>> terms, const Layout& layout) {
    AffineStep step;
    for (const auto& [value, columns] : terms) step.terms.push_back({value, random_matrix(layout.positions.size(), columns, 0.5, random)});
    step.bias = random_values(layout.positions.size(), random);
    step.layout = layout;
    return Step{std::move(step), 8};
  };
  program.steps.push_back(affine({{0, 11}}, middle));                                  // 1
  program.steps.push_back(affine({{0, 11}}, middle));                                  // 2
  program.steps.push_back({PolynomialStep{1, {.coefficients = {0.1, 0.5, -0.25}}}, 8});  // 3
  program.steps.push_back({ProductStep{2, 3}, 64});                                     // 4
  if (turned) {  // 5: as the next matrix likes it
    Layout better = middle;
    better.shift = 4 * 32 / kSlots;
    program.steps.push_back({AffineStep{{{4, SparseMatrix::identity(20)}}, std::vector<double>(20), better}, 64});
  }
  program.steps.push_back(affine({{turned ? 5u : 4u, 20}, {1, 20}}, periodic_layout(4, {0, 2, 3})));
  client.output = periodic_layout(4, {0, 2, 3});
  client.output_level = levels_of(program.steps, 6).back();
  client.output_magnitude = program.steps.back().magnitude;
  client.rotations = rotations_of(client.input, program.steps, kSlots, client.parameters.levels);
  client.relinearization = true;
  return program;
}

TEST(Executors, GiveWhatThePlainProgramGives) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Program program = sample_program(seed, seed % 2 == 0);
    Client client(program);
    const Executor executor = Executor::create(program, client.context).value();
    EXPECT_GT(executor.bytes(), 0u);
    std::mt19937_64 random(seed);
    const std::vector<double> x = random_values(11, random);
    const auto y = executor.run(client.encrypt(program, x), &*client.relinearization, client.rotations);
    ASSERT_TRUE(y.ok()) << y.error().message();
    EXPECT_EQ(y->level(), program.client.output_level);
    EXPECT_LT(y->error_bound(), 1e-3);
    expect_near(client.decrypt(program, *y), run_plain(program, x), y->error_bound());
  }
}

TEST(Executors, RefuseWhatDoesNotFit) {
  const Program program = sample_program(1, false);
  Client client(program), other(program);
  const Executor executor = Executor::create(program, client.context).value();
  const ckks::Ciphertext x = client.encrypt(program, std::vector<double>(11, 0.5));
  EXPECT_EQ(executor.run(other.encrypt(program, std::vector<double>(11)), &*client.relinearization, client.rotations).error().code,
            base::ErrorCode::kMismatch);
  EXPECT_EQ(executor.run(ckks::lower_to(x, 3).value(), &*client.relinearization, client.rotations).error().code,
            base::ErrorCode::kMismatch);
  EXPECT_EQ(executor.run(x, nullptr, client.rotations).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(executor.run(x, &*client.relinearization, {}).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(ProgramFiles, ReadBackAsTheyWere) {
  for (const bool turned : {false, true}) {
    const Program program = sample_program(4, turned);
    const base::Bytes bytes = write_program(program);
    const auto read = parse_program(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(write_program(*read), bytes);
    EXPECT_EQ(read->client, program.client);
    const base::Bytes spec = write_client_spec(program.client);
    EXPECT_EQ(parse_client_spec(spec).value(), program.client);
    std::mt19937_64 random(1);
    const std::vector<double> x = random_values(11, random);
    EXPECT_EQ(run_plain(*read, x), run_plain(program, x));
  }
}

base::Bytes resealed(base::Bytes bytes) {
  bytes.resize(bytes.size() - fhe::formats::kChecksumBytes);
  base::ByteWriter writer;
  writer.raw(bytes);
  return fhe::formats::with_checksum(std::move(writer));
}

// Whatever a sender makes of a file: it is refused, or it is the one encoding of what it says.
TEST(ProgramFiles, AlteredOnesAreRefusedOrCanonical) {
  const base::Bytes program = write_program(sample_program(2, true)), spec = write_client_spec(sample_program(2, true).client);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}}) {
      base::Bytes altered = program;
      altered[i] ^= flip;
      EXPECT_FALSE(parse_program(altered).ok());
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

}  // namespace
TEST(Program, RefusesValuesOutOfProportionToTheFile) {
  constexpr std::size_t kElements = 1u << 16;
  blindproof::fheml::Program program;
  auto& client = program.client;
  client.parameters.log_degree = 17;
  client.parameters.levels = 1;
  client.input_shape = client.output_shape = {kElements};
  client.input = client.output = blindproof::fheml::layout_in_order(kElements);
  client.input_magnitude = client.output_magnitude = 1;
  client.relinearization = true;
  for (const auto& [steps, ok] : {std::pair<std::size_t, bool>{256, true}, {257, false}}) {
    program.steps.assign(steps, {blindproof::fheml::ProductStep{0, 0}, 1});
    const auto parsed = blindproof::fheml::parse_program(blindproof::fheml::write_program(program));
    EXPECT_EQ(parsed.ok(), ok);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.error().code, blindproof::base::ErrorCode::kLimit);
    }
  }
}

}  // namespace blindproof::fheml

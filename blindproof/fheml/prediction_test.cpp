#include "blindproof/fheml/prediction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fheml {
namespace {

namespace ckks = fhe::ckks;

SparseMatrix gaussian_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> gaussian;
  std::vector<float> values(rows * columns);
  for (float& value : values) value = gaussian(random);
  return SparseMatrix::dense(rows, columns, values);
}

// A times itself often: slow, and from below.
double norm_by_iteration(const SparseMatrix& matrix) {
  std::vector<double> x(matrix.columns, 1);
  double norm = 0;
  for (int round = 0; round < 300; ++round) {
    const std::vector<double> y = multiply(matrix, x);
    std::vector<double> back(matrix.columns);
    for (std::size_t i = 0; i < matrix.rows; ++i) {
      for (std::uint64_t k = matrix.begins[i]; k < matrix.begins[i + 1]; ++k) back[matrix.column[k]] += static_cast<double>(matrix.value[k]) * y[i];
    }
    double length = 0;
    for (const double value : back) length += value * value;
    length = std::sqrt(length);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = back[i] / length;
    norm = std::sqrt(length);
  }
  return norm;
}

TEST(SpectralBound, IsAboveTheNormAndNotFarAboveIt) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 50}, {50, 1}, {40, 60}, {128, 100}, {300, 20}}) {
    const SparseMatrix matrix = gaussian_matrix(rows, columns, rows + columns);
    const double norm = norm_by_iteration(matrix), bound = spectral_bound(matrix);
    EXPECT_GE(bound, norm * 0.999999) << rows << " x " << columns;
    EXPECT_LE(bound, 2.2 * norm) << rows << " x " << columns;
  }
  EXPECT_EQ(spectral_bound(SparseMatrix::dense(2, 2, std::vector<float>(4))), 0);
  const double identity = spectral_bound(SparseMatrix::identity(500));
  EXPECT_GE(identity, 1);
  EXPECT_LE(identity, 1.000001) << "its rows and columns have sum 1";
}

// Errors of random matrices between layouts, encrypted: how far a result is from the truth, and from the prediction.
TEST(Influence, CoversWhatIsMeasuredAndLittleMore) {
  constexpr std::size_t kSlots = 128;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  const auto layout = [](std::size_t elements, std::size_t period) {
    Layout result = layout_in_order(elements);
    result.period = result.block = period;
    return result;
  };
  const auto affine = [](ValueId value, const SparseMatrix& matrix, const Layout& out, double magnitude) {
    return Step{AffineStep{{{value, matrix}}, std::vector<double>(matrix.rows), out}, magnitude};
  };
  for (const std::size_t middle : {8u, 32u, 128u}) {
    for (const bool turned : {false, true}) {
      Program program;
      ClientSpec& client = program.client;
      client.parameters = {.log_degree = 8, .scale_bits = 40, .levels = 4, .first_bits = 50, .digits = 2};
      client.input_shape = {20};
      client.output_shape = {5};
      client.input = layout(20, 32);
      client.input_magnitude = 1;
      if (turned && middle < kSlots) {
        client.input.block = std::max<std::size_t>(32, middle);
        client.input.shift = std::min<std::size_t>(32, middle) * client.input.block / kSlots;
      }
      const Layout hidden = layout(middle - 2, middle);
      program.steps.push_back(affine(0, gaussian_matrix(middle - 2, 20, 1), hidden, 40));
      ValueId value = 1;
      if (turned && middle == 32) {
        Layout better = hidden;
        better.shift = 8 * 32 / kSlots;
        program.steps.push_back(affine(1, SparseMatrix::identity(middle - 2), better, 40));
        value = 2;
      }
      program.steps.push_back(affine(value, gaussian_matrix(5, middle - 2, 2), layout(5, 8), 800));
      client.output = layout(5, 8);
      client.output_level = levels_of(program.steps, 4).back();
      client.output_magnitude = 800;
      client.rotations = rotations_of(client.input, program.steps, kSlots, 4);

      const ckks::ContextPtr context = testing::InsecureParameters::ckks(client.parameters).value();
      crypto::Csprng csprng{std::array<std::uint8_t, 32>{9}};
      const fhe::rlwe::SecretKey secret = ckks::generate_secret_key(*context, csprng);
      const fhe::rlwe::GaloisKeys rotations = generate_rotation_keys(*context, secret, client, csprng);
      const Executor executor = Executor::create(program, context).value();
      const ckks::Encoder encoder(context);
      double largest = 0, bound = 0;
      for (int trial = 0; trial < 40; ++trial) {
        std::vector<double> x(20);
        for (double& element : x) element = uniform(random);
        const auto input = ckks::encrypt(secret, encoder.encode(spread(client.input, x, kSlots), 4).value(), csprng);
        const ckks::Ciphertext y = executor.run(input, nullptr, rotations).value();
        bound = y.error_bound();
        const std::vector<double> got = gather(client.output, encoder.decode_real(ckks::decrypt(secret, y).value()));
        const std::vector<double> expected = run_plain(program, x);
        for (std::size_t i = 0; i < got.size(); ++i) largest = std::max(largest, std::abs(got[i] - expected[i]));
        EXPECT_GE(y.prediction().joint, y.prediction().noise);
        const ckks::Prediction planned = predict_output(program, *context);
        EXPECT_NEAR(planned.noise / y.prediction().noise, 1, 0.05) << "what is predicted without running it";
        EXPECT_NEAR(planned.joint / y.prediction().joint, 1, 0.05);
      }
      EXPECT_LE(largest, bound);
      EXPECT_LE(bound, largest * std::exp2(9)) << "middle " << middle << (turned ? ", turned" : "");
    }
  }
}

TEST(Executors, CompactWeightsGiveTheSameBits) {
  Program program;
  ClientSpec& client = program.client;
  client.parameters = {.log_degree = 8, .scale_bits = 40, .levels = 2, .first_bits = 50, .digits = 2};
  client.input_shape = {30};
  client.output_shape = {10};
  client.input = layout_in_order(30);
  client.output = layout_in_order(10);
  client.input_magnitude = 1;
  client.output_magnitude = 100;
  program.steps.push_back({AffineStep{{{0, gaussian_matrix(60, 30, 1)}}, std::vector<double>(60, 0.5), layout_in_order(60)}, 100});
  program.steps.push_back({AffineStep{{{1, gaussian_matrix(10, 60, 2)}}, std::vector<double>(10, 0.5), layout_in_order(10)}, 1000});
  client.rotations = rotations_of(client.input, program.steps, 128, 2);
  const ckks::ContextPtr context = testing::InsecureParameters::ckks(client.parameters).value();
  crypto::Csprng csprng{std::array<std::uint8_t, 32>{3}};
  const fhe::rlwe::SecretKey secret = ckks::generate_secret_key(*context, csprng);
  const fhe::rlwe::GaloisKeys rotations = generate_rotation_keys(*context, secret, client, csprng);
  const ckks::Encoder encoder(context);
  const auto input = ckks::encrypt(secret, encoder.encode(std::vector<double>(128, 0.25), 2).value(), csprng);

  const std::size_t all = choose_storage(program, *context, SIZE_MAX).bytes, none = choose_storage(program, *context, 0).bytes;
  EXPECT_GT(all, 3 * none);
  std::size_t last = 0;
  std::optional<ckks::Ciphertext> expected;
  for (const std::size_t memory : {std::size_t{0}, all / 2, all}) {
    const Executor executor = Executor::create(program, context, {}, memory).value();
    EXPECT_GT(executor.bytes(), last);
    EXPECT_EQ(executor.bytes(), choose_storage(program, *context, memory).bytes);
    last = executor.bytes();
    const ckks::Ciphertext y = executor.run(input, nullptr, rotations).value();
    if (!expected) expected = y;
    for (std::size_t part = 0; part < 2; ++part) {
      for (std::size_t limb = 0; limb < y.parts()[part].limbs(); ++limb) {
        EXPECT_TRUE(std::ranges::equal(y.parts()[part].limb(limb), expected->parts()[part].limb(limb)));
      }
    }
  }
}

}  // namespace
}  // namespace blindproof::fheml

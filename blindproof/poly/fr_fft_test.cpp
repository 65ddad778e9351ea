#include "blindproof/poly/fr_fft.h"

#include <gtest/gtest.h>

#include <random>

#include "blindproof/base/thread_pool.h"
#include "blindproof/field/kernel_set.h"

namespace blindproof::poly {
namespace {

using field::Fr;
using field::FrVector;

std::vector<Fr> random_values(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<Fr> values(count);
  for (Fr& value : values) {
    std::array<std::uint8_t, 64> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine());
    value = Fr::from_wide_bytes(bytes);
  }
  return values;
}

Fr evaluate(const std::vector<Fr>& coefficients, const Fr& x) {
  Fr sum;
  for (std::size_t i = coefficients.size(); i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

TEST(FrFft, RootsHaveTheirOrders) {
  EXPECT_EQ(FrFft::root(0), Fr::one());
  EXPECT_EQ(FrFft::root(1), -Fr::one());
  for (int k = 1; k <= FrFft::kMaxLogSize; ++k) EXPECT_EQ(FrFft::root(k).squared(), FrFft::root(k - 1));
  EXPECT_FALSE(FrFft::create(-1).ok());
  EXPECT_EQ(FrFft::create(29).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(FrFft, ValuesAreThePolynomialsAtPowersOfTheRoot) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (int log_size = 0; log_size <= 13; ++log_size) {
      const std::vector<Fr> coefficients = random_values(std::size_t{1} << log_size, 1);
      const FrFft fft = FrFft::create(log_size).value();
      FrVector values(coefficients);
      fft.forward(values);
      const Fr w = FrFft::root(log_size);
      const std::size_t step = log_size <= 7 ? 1 : coefficients.size() / 37;
      for (std::size_t i = 0; i < coefficients.size(); i += step) {
        ASSERT_EQ(values.at(i), evaluate(coefficients, w.power({i, 0, 0, 0}))) << log_size << " " << i;
      }
      fft.inverse(values);
      ASSERT_EQ(values.to_vector(), coefficients) << log_size;
    }
  }
}

TEST(FrFft, ThreadsDoNotChangeTheResult) {
  const std::size_t before = base::thread_count();
  const std::vector<Fr> in = random_values(1 << 12, 2);
  std::vector<std::vector<Fr>> results;
  for (const std::size_t threads : {1u, 2u, 5u}) {
    base::set_thread_count(threads);
    FrVector values(in);
    FrFft::create(12)->forward(values);
    results.push_back(values.to_vector());
  }
  base::set_thread_count(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(FrFft, MultipliesByPowersAndSubtractsProducts) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 33u, 20000u}) {
      const std::vector<Fr> a = random_values(size, 3), b = random_values(size, 4), c = random_values(size, 5);
      const Fr base = random_values(1, 6)[0];
      FrVector scaled(a), difference(a);
      multiply_by_powers(scaled, base);
      multiply_subtract(difference, FrVector(b), FrVector(c));
      Fr power = Fr::one();
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_EQ(scaled.at(i), a[i] * power);
        ASSERT_EQ(difference.at(i), a[i] * b[i] - c[i]);
        power *= base;
      }
    }
  }
}

}  // namespace
}  // namespace blindproof::poly

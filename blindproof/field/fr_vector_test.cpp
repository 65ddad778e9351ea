#include "blindproof/field/fr_vector.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "blindproof/base/thread_pool.h"
#include "blindproof/field/kernel_set.h"

namespace blindproof::field {
namespace {

constexpr std::size_t kSizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 1000, 4099};

enum class Values { kRandom, kZeros, kOnes, kMost, kMixed };

std::vector<Fr> fields(std::size_t size, Values values, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fr> result(size);
  for (std::size_t i = 0; i < size; ++i) {
    std::array<std::uint8_t, 64> bytes;
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const Fr choices[] = {Fr::zero(), Fr::one(), -Fr::one(),
                          Fr::from_montgomery({UINT64_MAX, UINT64_MAX, UINT64_MAX, 0})};
    switch (values) {
      case Values::kRandom: result[i] = Fr::from_wide_bytes(bytes); break;
      case Values::kZeros: break;
      case Values::kOnes: result[i] = Fr::one(); break;
      case Values::kMost: result[i] = -Fr::one(); break;
      case Values::kMixed: result[i] = choices[random() % 4]; break;
    }
  }
  return result;
}

template <class Int>
std::vector<Int> integers(std::size_t size, Values values, std::uint64_t seed) {
  using Limits = std::numeric_limits<Int>;
  std::mt19937_64 random(seed);
  std::vector<Int> result(size);
  for (Int& w : result) {
    const Int choices[] = {0, 1, -1, Limits::min(), Limits::max()};
    switch (values) {
      case Values::kRandom: w = static_cast<Int>(random()); break;
      case Values::kZeros: break;
      case Values::kOnes: w = Limits::max(); break;
      case Values::kMost: w = Limits::min(); break;
      case Values::kMixed: w = choices[random() % 5]; break;
    }
  }
  return result;
}

class FrVectorOnEverySet : public testing::TestWithParam<std::tuple<base::Simd, int>> {
 protected:
  FrVectorOnEverySet() : set_(std::get<0>(GetParam())), threads_(base::thread_count()) {
    base::set_thread_count(static_cast<std::size_t>(std::get<1>(GetParam())));
  }
  ~FrVectorOnEverySet() override { base::set_thread_count(threads_); }

  template <class Int>
  void check_integers() {
    for (std::size_t size : kSizes) {
      for (Values values : {Values::kRandom, Values::kOnes, Values::kMost, Values::kMixed}) {
        const std::vector<Int> w = integers<Int>(size, values, size + 1);
        const FrVector converted = FrVector::from_integers(std::span<const Int>(w));
        for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(converted.at(i), Fr::from_i64(w[i]));
        for (Values others : {Values::kRandom, Values::kMost}) {
          const std::vector<Fr> a = fields(size, others, size + 2);
          Fr expected;
          for (std::size_t i = 0; i < size; ++i) expected += a[i] * Fr::from_i64(w[i]);
          ASSERT_EQ(dot(FrVector(a), std::span<const Int>(w)), expected) << size;
        }
      }
    }
  }

  template <class Int>
  void check_combination(std::size_t rows, std::size_t columns, std::size_t stride, Values values,
                         Values weight_values) {
    const std::size_t size = rows == 0 ? 0 : (rows - 1) * stride + columns;
    const std::vector<Int> matrix = integers<Int>(size, values, rows + columns);
    const std::vector<Fr> weights = fields(rows, weight_values, rows);
    const FrVector result = combine_rows(MatrixView<Int>{matrix.data(), rows, columns, stride}, weights);
    ASSERT_EQ(result.size(), columns);
    for (std::size_t j = 0; j < columns; ++j) {
      // A few columns of the large ones are enough: neighbours of strip and panel edges among them.
      if (rows * columns > 200000 && j > 70 && j + 70 < columns && j % 61 > 2) continue;
      Fr expected;
      for (std::size_t i = 0; i < rows; ++i) expected += weights[i] * Fr::from_i64(matrix[i * stride + j]);
      ASSERT_EQ(result.at(j), expected) << rows << "x" << columns << " column " << j;
    }
  }

  template <class Int>
  void check_combinations() {
    for (std::size_t rows : {0u, 1u, 2u, 9u, 64u, 300u}) {
      for (std::size_t columns : {0u, 1u, 7u, 8u, 9u, 31u, 32u, 33u, 63u, 65u, 130u}) {
        check_combination<Int>(rows, columns, columns + rows % 3, Values::kRandom, Values::kRandom);
        check_combination<Int>(rows, columns, columns, Values::kMost, Values::kMost);
        check_combination<Int>(rows, columns, columns + 5, Values::kMixed, Values::kMixed);
      }
    }
    // Beyond every carry: 2048, 4096 and 8192 rows; largest and smallest entries.
    for (std::size_t rows : {2049u, 4097u, 20000u}) {
      check_combination<Int>(rows, 9, 9, Values::kOnes, Values::kMost);
      check_combination<Int>(rows, 9, 11, Values::kMost, Values::kMost);
    }
    check_combination<Int>(257, 1700, 1701, Values::kRandom, Values::kRandom);
  }

 private:
  ScopedKernelSet set_;
  std::size_t threads_;
};

INSTANTIATE_TEST_SUITE_P(Sets, FrVectorOnEverySet,
                         testing::Combine(testing::ValuesIn(available_kernel_sets()), testing::Values(1, 2, 5)),
                         [](const auto& instance) {
                           return std::string(base::simd_name(std::get<0>(instance.param))) + "_threads" +
                                  std::to_string(std::get<1>(instance.param));
                         });

TEST_P(FrVectorOnEverySet, GivesBackWhatWasStored) {
  for (std::size_t size : kSizes) {
    for (Values values : {Values::kRandom, Values::kZeros, Values::kOnes, Values::kMost, Values::kMixed}) {
      const std::vector<Fr> a = fields(size, values, size);
      FrVector v(a);
      EXPECT_EQ(v.size(), size);
      EXPECT_EQ(v.pack_count(), (size + 7) / 8);
      ASSERT_EQ(v.to_vector(), a);
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_EQ(v.at(i), a[i]);
        v.set(i, a[size - 1 - i]);
      }
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(v.at(i), a[size - 1 - i]);
    }
  }
}

TEST_P(FrVectorOnEverySet, StartsAsZerosAndCopiesAreIndependent) {
  FrVector a(11);
  for (std::size_t i = 0; i < 11; ++i) EXPECT_TRUE(a.at(i).is_zero());
  FrVector b = a;
  b.set(10, Fr::one());
  EXPECT_TRUE(a.at(10).is_zero());
  a = b;
  EXPECT_EQ(a.at(10), Fr::one());
  const FrVector c = std::move(a);
  EXPECT_EQ(c.at(10), Fr::one());
  EXPECT_EQ(a.size(), 0u);
}

TEST_P(FrVectorOnEverySet, DotMatchesTheSumOfProducts) {
  for (std::size_t size : kSizes) {
    for (Values left : {Values::kRandom, Values::kZeros, Values::kMost, Values::kMixed}) {
      for (Values right : {Values::kRandom, Values::kOnes, Values::kMost, Values::kMixed}) {
        const std::vector<Fr> a = fields(size, left, 3 * size + 1), b = fields(size, right, 3 * size + 2);
        Fr expected;
        for (std::size_t i = 0; i < size; ++i) expected += a[i] * b[i];
        ASSERT_EQ(dot(FrVector(a), FrVector(b)), expected) << size;
      }
    }
  }
}

TEST_P(FrVectorOnEverySet, TruncationHidesTheRest) {
  const std::vector<Fr> a = fields(100, Values::kRandom, 1);
  const std::vector<std::int8_t> small(61, 1);
  FrVector v(a);
  v.truncate(61);
  const Fr expected = [&] {
    Fr sum;
    for (std::size_t i = 0; i < 61; ++i) sum += a[i];
    return sum;
  }();
  EXPECT_EQ(dot(v, FrVector(std::vector<Fr>(61, Fr::one()))), expected);
  EXPECT_EQ(dot(v, std::span<const std::int8_t>(small)), expected);
  EXPECT_EQ(v.to_vector(), std::vector<Fr>(a.begin(), a.begin() + 61));
}

TEST_P(FrVectorOnEverySet, AddScaledTouchesOnlyTheShorterPrefix) {
  for (std::size_t size : kSizes) {
    for (Values values : {Values::kRandom, Values::kMost}) {
      std::vector<Fr> expected = fields(size + 13, values, size + 5);
      const std::vector<Fr> a = fields(size + 3, values, size + 6);
      const Fr factor = fields(1, values, size + 7)[0];
      FrVector acc(expected), added(a);
      added.truncate(size);
      add_scaled(acc, factor, added);
      add_scaled(acc, factor, added);
      for (std::size_t i = 0; i < size; ++i) expected[i] += factor.doubled() * a[i];
      ASSERT_EQ(acc.to_vector(), expected);
    }
  }
}

TEST_P(FrVectorOnEverySet, Int8ConvertAndMultiply) { check_integers<std::int8_t>(); }
TEST_P(FrVectorOnEverySet, Int16ConvertAndMultiply) { check_integers<std::int16_t>(); }
TEST_P(FrVectorOnEverySet, Int32ConvertAndMultiply) { check_integers<std::int32_t>(); }
TEST_P(FrVectorOnEverySet, Int64ConvertAndMultiply) { check_integers<std::int64_t>(); }
TEST_P(FrVectorOnEverySet, Int8RowsCombine) { check_combinations<std::int8_t>(); }
TEST_P(FrVectorOnEverySet, Int16RowsCombine) { check_combinations<std::int16_t>(); }
TEST_P(FrVectorOnEverySet, Int32RowsCombine) { check_combinations<std::int32_t>(); }
TEST_P(FrVectorOnEverySet, Int64RowsCombine) { check_combinations<std::int64_t>(); }

TEST_P(FrVectorOnEverySet, LongSumsOfLargestElementsAreExact) {
  const std::size_t size = (1 << 16) + 3;
  const FrVector most(std::vector<Fr>(size, -Fr::one()));
  EXPECT_EQ(dot(most, most), Fr::from_u64(size));
  const std::vector<std::int64_t> least(size, INT64_MIN);
  EXPECT_EQ(dot(most, std::span<const std::int64_t>(least)), Fr::from_u64(size) * Fr::power_of_two(63));
}

}  // namespace
}  // namespace blindproof::field

// The definitions of this module's kernels, on plain elements: what its tests compare with.
#pragma once

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "blindproof/base/thread_pool.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/poly/round_tables.h"

namespace blindproof::poly {

enum class Values { kRandom, kZeros, kOnes, kMost, kMixed };
inline constexpr Values kAllValues[] = {Values::kRandom, Values::kZeros, Values::kOnes, Values::kMost, Values::kMixed};

inline std::vector<Fr> fields(std::size_t size, Values values, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fr> result(size);
  for (Fr& x : result) {
    std::array<std::uint8_t, 64> bytes;
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const Fr choices[] = {Fr::zero(), Fr::one(), -Fr::one(),
                          Fr::from_montgomery({UINT64_MAX, UINT64_MAX, UINT64_MAX, 0})};
    switch (values) {
      case Values::kRandom: x = Fr::from_wide_bytes(bytes); break;
      case Values::kZeros: break;
      case Values::kOnes: x = Fr::one(); break;
      case Values::kMost: x = -Fr::one(); break;
      case Values::kMixed: x = choices[random() % 4]; break;
    }
  }
  return result;
}

/// prod_j (z_j if bit j of the index is set, else 1 - z_j).
inline Fr naive_eq(std::span<const Fr> z, std::size_t index) {
  Fr product = Fr::one();
  for (std::size_t j = 0; j < z.size(); ++j) product *= (index >> j & 1) != 0 ? z[j] : Fr::one() - z[j];
  return product;
}

inline std::vector<Fr> naive_eq_table(std::span<const Fr> z) {
  std::vector<Fr> table(std::size_t{1} << z.size());
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = naive_eq(z, i);
  return table;
}

/// The table with its top variable set to r.
inline std::vector<Fr> naive_bind(const std::vector<Fr>& table, const Fr& r) {
  const std::size_t half = table.size() / 2;
  std::vector<Fr> result(half);
  for (std::size_t i = 0; i < half; ++i) result[i] = table[i] * (Fr::one() - r) + table[i + half] * r;
  return result;
}

/// A polynomial of degree 2 from any function of X: value at 0 and the coefficient of X^2, from values at 0, 1 and -1.
template <class Function>
QuadraticRound naive_round(const Function& at) {
  const Fr zero = at(Fr::zero()), half = Fr::from_u64(2).inverse();
  return {zero, (at(Fr::one()) + at(-Fr::one())) * half - zero};
}

inline void expect_equal(const QuadraticRound& actual, const QuadraticRound& expected, const std::string& place) {
  ASSERT_EQ(actual.at_zero, expected.at_zero) << place;
  ASSERT_EQ(actual.leading, expected.leading) << place;
}

/// Runs each test on every kernel set of this CPU and on several numbers of threads.
class OnEverySet : public testing::TestWithParam<std::tuple<base::Simd, int>> {
 protected:
  OnEverySet() : set_(std::get<0>(GetParam())), threads_(base::thread_count()) {
    base::set_thread_count(static_cast<std::size_t>(std::get<1>(GetParam())));
  }
  ~OnEverySet() override { base::set_thread_count(threads_); }

 private:
  field::ScopedKernelSet set_;
  std::size_t threads_;
};

inline auto every_set() {
  return testing::Combine(testing::ValuesIn(field::available_kernel_sets()), testing::Values(1, 2, 5));
}

inline std::string set_name(const testing::TestParamInfo<std::tuple<base::Simd, int>>& info) {
  return std::string(base::simd_name(std::get<0>(info.param))) + "_threads" + std::to_string(std::get<1>(info.param));
}

}  // namespace blindproof::poly

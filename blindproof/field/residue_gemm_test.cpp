#include "blindproof/field/residue_gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "blindproof/field/kernel_set.h"

namespace blindproof::field {
namespace {

using Vectors = std::vector<std::vector<std::uint64_t>>;

enum class Kind { kRandom, kMost };

struct Product {
  std::vector<std::uint64_t> matrix;
  Vectors in;
};

Product random_product(const Modulus& q, std::size_t rows, std::size_t columns, std::size_t n, Kind kind) {
  std::mt19937_64 random(rows * 1000 + columns * 10 + n);
  Product result{std::vector<std::uint64_t>(rows * columns), Vectors(columns, std::vector<std::uint64_t>(n))};
  for (std::uint64_t& w : result.matrix) w = kind == Kind::kMost ? q.value() - 1 : random() % q.value();
  for (auto& vector : result.in) {
    for (std::uint64_t& x : vector) x = kind == Kind::kMost ? q.value() - 1 : random() % q.value();
  }
  return result;
}

Vectors multiply(const Modulus& q, const Product& product, std::size_t rows, std::size_t n) {
  Vectors out(rows, std::vector<std::uint64_t>(n + 8, 7));
  std::vector<const std::uint64_t*> in;
  std::vector<std::uint64_t*> to;
  for (const auto& vector : product.in) in.push_back(vector.data());
  for (auto& vector : out) to.push_back(vector.data());
  multiply_matrix(q, product.matrix, in, to, n);
  for (auto& vector : out) {
    EXPECT_EQ(std::count(vector.begin() + static_cast<std::ptrdiff_t>(n), vector.end(), 7u), 8) << "beyond the end";
    vector.resize(n);
  }
  return out;
}

Vectors multiply_naively(const Modulus& q, const Product& product, std::size_t rows, std::size_t n) {
  Vectors out(rows, std::vector<std::uint64_t>(n));
  const std::size_t columns = product.in.size();
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t j = 0; j < n; ++j) out[r][j] = q.add(out[r][j], q.multiply(product.matrix[r * columns + c], product.in[c][j]));
    }
  }
  return out;
}

class MatrixOnEverySet : public testing::TestWithParam<base::Simd> {
 protected:
  MatrixOnEverySet() : set_(GetParam()) {}
  ScopedKernelSet set_;
};

std::vector<Modulus> sample_moduli() {
  std::vector<Modulus> result = {*Modulus::create(3), *Modulus::create(65537)};
  for (const int bits : {26, 27, 40, 45, 50}) result.push_back(*Modulus::create((*ntt_primes_below(bits, 1, 1)).front()));
  return result;
}

TEST_P(MatrixOnEverySet, AgreesWithTheNaiveProductAtEdgeSizes) {
  for (const Modulus& q : sample_moduli()) {
    for (const Kind kind : {Kind::kRandom, Kind::kMost}) {
      for (const std::size_t rows : {0u, 1u, 2u, 3u, 4u, 5u, 7u, 9u}) {
        for (const std::size_t columns : {0u, 1u, 7u, 8u, 9u, 15u, 16u, 17u, 40u}) {
          for (const std::size_t n : {0u, 1u, 7u, 8u, 23u, 24u, 25u, 64u}) {
            const Product product = random_product(q, rows, columns, n, kind);
            ASSERT_EQ(multiply(q, product, rows, n), multiply_naively(q, product, rows, n))
                << q.value() << ": " << rows << " x " << columns << " x " << n;
          }
        }
      }
    }
  }
}

// More rows and columns than are taken at a time, and sums as large as they get.
TEST_P(MatrixOnEverySet, AgreesWithTheNaiveProductBeyondItsBlocks) {
  for (const Modulus& q : sample_moduli()) {
    for (const auto& [rows, columns, n] : {std::array{130u, 30u, 9u}, std::array{3u, 1023u, 30u}, std::array{2u, 1024u, 7u},
                                           std::array{5u, 2050u, 25u}, std::array{6u, 300u, 700u}}) {
      for (const Kind kind : {Kind::kMost, Kind::kRandom}) {
        const Product product = random_product(q, rows, columns, n, kind);
        ASSERT_EQ(multiply(q, product, rows, n), multiply_naively(q, product, rows, n))
            << q.value() << ": " << rows << " x " << columns << " x " << n;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KernelSets, MatrixOnEverySet, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(base::simd_name(set.param)); });

}  // namespace
}  // namespace blindproof::field

#include "blindproof/field/residues.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "blindproof/field/kernel_set.h"

namespace blindproof::field {
namespace {

using Values = std::vector<std::uint64_t>;
using Pointers = std::vector<const std::uint64_t*>;

constexpr std::size_t kSizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 1001};

Modulus modulus(std::uint64_t value) { return *Modulus::create(value); }

std::vector<Modulus> sample_moduli() {
  std::vector<Modulus> result = {modulus(3), modulus(5), modulus(257), modulus(65537)};
  for (int bits : {30, 48, 49, 50}) {
    result.push_back(modulus((*ntt_primes_below(bits, 1, 1)).front()));
  }
  result.push_back(modulus((*ntt_primes_near(49, 16, 8)).back()));
  return result;
}

enum class Kind { kRandom, kMost, kEdges };

Values residues(const Modulus& q, std::size_t size, Kind kind, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::uint64_t edges[] = {0, 1, q.value() - 1, q.value() / 2, q.value() / 2 + 1, q.value() - 2};
  Values values(size);
  for (std::uint64_t& v : values) {
    v = kind == Kind::kRandom ? random() % q.value() : kind == Kind::kMost ? q.value() - 1 : edges[random() % 6];
  }
  return values;
}

class ResiduesOnEverySet : public testing::TestWithParam<base::Simd> {
 protected:
  ResiduesOnEverySet() : set_(GetParam()) {}

  /// body(q, size, kind) for all of them.
  template <class Body>
  void for_cases(const Body& body) {
    for (const Modulus& q : sample_moduli()) {
      for (std::size_t size : kSizes) {
        for (Kind kind : {Kind::kRandom, Kind::kMost, Kind::kEdges}) {
          SCOPED_TRACE(testing::Message() << "q " << q.value() << " size " << size);
          body(q, size, kind);
          if (HasFatalFailure()) return;
        }
      }
    }
  }

  ScopedKernelSet set_;
};

TEST_P(ResiduesOnEverySet, ElementwiseFunctionsAgreeWithModulus) {
  for_cases([](const Modulus& q, std::size_t size, Kind kind) {
    const Values a = residues(q, size, kind, 1), b = residues(q, size, kind, 2), acc = residues(q, size, kind, 3);
    for (std::uint64_t c : {std::uint64_t{0}, std::uint64_t{1}, q.value() - 1, q.value() / 3}) {
      Values scaled(size), accumulated = acc, difference(size);
      scale(q, a, c, scaled);
      scale_add(q, a, c, accumulated);
      subtract_scale(q, a, b, c, difference);
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_EQ(scaled[i], q.multiply(c, a[i]));
        ASSERT_EQ(accumulated[i], q.add(acc[i], q.multiply(c, a[i])));
        ASSERT_EQ(difference[i], q.multiply(c, q.subtract(a[i], b[i])));
      }
    }
    Values sum(size), difference(size), negated(size), product(size), accumulated = acc;
    add(q, a, b, sum);
    subtract(q, a, b, difference);
    negate(q, a, negated);
    multiply(q, a, b, product);
    multiply_add(q, a, b, accumulated);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(sum[i], q.add(a[i], b[i]));
      ASSERT_EQ(difference[i], q.subtract(a[i], b[i]));
      ASSERT_EQ(negated[i], q.negate(a[i]));
      ASSERT_EQ(product[i], q.multiply(a[i], b[i]));
      ASSERT_EQ(accumulated[i], q.add(acc[i], q.multiply(a[i], b[i])));
    }
  });
}

TEST_P(ResiduesOnEverySet, OutputsMayBeInputs) {
  for_cases([](const Modulus& q, std::size_t size, Kind kind) {
    const Values a = residues(q, size, kind, 4), b = residues(q, size, kind, 5);
    Values expected(size), x = a, y = b;
    multiply(q, a, b, expected);
    multiply(q, x, b, x);
    ASSERT_EQ(x, expected);
    multiply(q, a, y, y);
    ASSERT_EQ(y, expected);
    subtract(q, a, b, expected);
    subtract(q, a, y = b, y);
    ASSERT_EQ(y, expected);
    multiply(q, a, a, expected);
    multiply(q, x = a, x, x);
    ASSERT_EQ(x, expected);
    subtract_scale(q, a, b, 1, expected);
    subtract_scale(q, a, y = b, 1, y);
    ASSERT_EQ(y, expected);
    multiply_add(q, a, b, expected = a);
    multiply_add(q, x = a, b, x);
    ASSERT_EQ(x, expected);

    Values c0(size), c1(size), c2(size), d0 = a, d1 = b, d2 = b;
    tensor(q, a, b, a, b, c0, c1, c2);
    tensor(q, d0, d1, d0, d1, d0, d1, d2);
    ASSERT_EQ(d0, c0);
    ASSERT_EQ(d1, c1);
    ASSERT_EQ(d2, c2);
  });
}

TEST_P(ResiduesOnEverySet, WriteNothingBeyondTheEnd) {
  const Modulus q = sample_moduli().back();
  for (std::size_t size : kSizes) {
    Values memory(size + 16, 5);
    const Residues out = std::span(memory).subspan(0, size);
    const Values a = residues(q, size, Kind::kRandom, 6);
    const Pointers terms = {a.data(), a.data()};
    multiply(q, a, a, out);
    from_signed(q, std::vector<std::int64_t>(size, -3), out);
    Values other(size);
    inner_products(q, terms, terms, terms, out, other);
    EXPECT_EQ(std::count(memory.begin() + static_cast<std::ptrdiff_t>(size), memory.end(), 5u), 16);
  }
}

TEST_P(ResiduesOnEverySet, ReduceFromKeepsTheCenteredRepresentative) {
  for (const Modulus& from : sample_moduli()) {
    for_cases([&](const Modulus& to, std::size_t size, Kind kind) {
      const Values a = residues(from, size, kind, 7);
      Values out(size);
      reduce_from(to, from, a, out);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(out[i], to.reduce_signed(from.centered(a[i])));
    });
  }
}

TEST_P(ResiduesOnEverySet, FromSignedTakesNumbersUpTo62Bits) {
  for_cases([](const Modulus& q, std::size_t size, Kind kind) {
    constexpr std::int64_t kMost = (std::int64_t{1} << 62) - 1;
    const std::int64_t edges[] = {0,
                                  1,
                                  -1,
                                  kMost,
                                  -kMost,
                                  std::int64_t{1} << 52,
                                  -(std::int64_t{1} << 52),
                                  static_cast<std::int64_t>(q.value()),
                                  -static_cast<std::int64_t>(q.value())};
    std::mt19937_64 random(8);
    std::vector<std::int64_t> a(size);
    for (std::int64_t& v : a) {
      v = kind == Kind::kEdges  ? edges[random() % std::size(edges)]
          : kind == Kind::kMost ? -kMost
                                : static_cast<std::int64_t>(random()) >> (2 + random() % 60);
    }
    Values out(size);
    from_signed(q, a, out);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(out[i], q.reduce_signed(a[i])) << a[i];
  });
}

TEST_P(ResiduesOnEverySet, TensorIsTheProductOfTwoPairs) {
  for_cases([](const Modulus& q, std::size_t size, Kind kind) {
    const Values a0 = residues(q, size, kind, 9), a1 = residues(q, size, kind, 10);
    const Values b0 = residues(q, size, kind, 11), b1 = residues(q, size, kind, 12);
    Values c0(size), c1(size), c2(size);
    tensor(q, a0, a1, b0, b1, c0, c1, c2);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(c0[i], q.multiply(a0[i], b0[i]));
      ASSERT_EQ(c1[i], q.add(q.multiply(a0[i], b1[i]), q.multiply(a1[i], b0[i])));
      ASSERT_EQ(c2[i], q.multiply(a1[i], b1[i]));
    }
  });
}

TEST_P(ResiduesOnEverySet, InnerProductsOfUpTo64Terms) {
  for (std::size_t terms : std::vector<std::size_t>{0, 1, 2, 3, 7, 8, 9, 12, 13, 15, 16, 17, 24, 25, 63, 64}) {
    for_cases([&](const Modulus& q, std::size_t size, Kind kind) {
      if (size > 17) return;
      std::vector<Values> a, b0, b1;
      Pointers pa, p0, p1;
      for (std::size_t t = 0; t < terms; ++t) {
        a.push_back(residues(q, size, kind, 3 * t));
        b0.push_back(residues(q, size, kind, 3 * t + 1));
        b1.push_back(residues(q, size, kind, 3 * t + 2));
        pa.push_back(a.back().data());
        p0.push_back(b0.back().data());
        p1.push_back(b1.back().data());
      }
      Values out0(size), out1(size);
      inner_products(q, pa, p0, p1, out0, out1);
      for (std::size_t i = 0; i < size; ++i) {
        std::uint64_t expected0 = 0, expected1 = 0;
        for (std::size_t t = 0; t < terms; ++t) {
          expected0 = q.add(expected0, q.multiply(a[t][i], b0[t][i]));
          expected1 = q.add(expected1, q.multiply(a[t][i], b1[t][i]));
        }
        ASSERT_EQ(out0[i], expected0) << terms;
        ASSERT_EQ(out1[i], expected1) << terms;
      }
    });
  }
}

TEST_P(ResiduesOnEverySet, PermuteFetches) {
  std::mt19937_64 random(13);
  for (std::size_t size : kSizes) {
    std::vector<std::uint32_t> permutation(size);
    std::iota(permutation.begin(), permutation.end(), 0u);
    std::ranges::shuffle(permutation, random);
    const Values in = residues(sample_moduli().back(), size, Kind::kRandom, 14);
    Values out(size);
    permute(permutation, in, out);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(out[i], in[permutation[i]]);
  }
}

TEST_P(ResiduesOnEverySet, PermuteFetchesWithinBlocks) {
  std::mt19937_64 random(15);
  for (std::size_t size : {64u, 128u, 640u, 700u}) {
    const std::size_t blocks = size / 64;
    for (std::size_t astray : {size, std::size_t{0}, std::size_t{63}}) {  // an index that leaves its block, if any
      std::vector<std::uint32_t> permutation(size);
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t block = i / 64 < blocks ? blocks - 1 - i / 64 : 0;
        permutation[i] = static_cast<std::uint32_t>(64 * block + random() % 64);
      }
      if (astray < size) permutation[astray] = static_cast<std::uint32_t>(size - 1);
      const Values in = residues(sample_moduli().back(), size, Kind::kRandom, 16);
      Values out(size);
      permute(permutation, in, out);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(out[i], in[permutation[i]]) << "entry " << i << " of " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KernelSets, ResiduesOnEverySet, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(base::simd_name(set.param)); });

}  // namespace
}  // namespace blindproof::field

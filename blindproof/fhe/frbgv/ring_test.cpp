#include "blindproof/fhe/frbgv/ring.h"

#include <gtest/gtest.h>

#include <random>

#include "blindproof/fhe/frbgv/kernels.h"
#include "blindproof/fhe/frbgv/slots.h"
#include "blindproof/field/kernel_set.h"

namespace blindproof::fhe::frbgv {
namespace {

Fr random_fr(std::mt19937_64& random) {
  std::array<std::uint8_t, 64> bytes;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return Fr::from_wide_bytes(bytes);
}

std::vector<Fr> random_values(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fr> values(count);
  for (Fr& v : values) v = random_fr(random);
  return values;
}

std::vector<Fr> schoolbook(const std::vector<Fr>& a, const std::vector<Fr>& b) {
  std::vector<Fr> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) {
      if (i + j < a.size()) out[i + j] += a[i] * b[j];
      else out[i + j - a.size()] -= a[i] * b[j];
    }
  }
  return out;
}

std::size_t reversed(std::size_t i, int bits) {
  std::size_t r = 0;
  for (int b = 0; b < bits; ++b) r |= (i >> b & 1) << (bits - 1 - b);
  return r;
}

TEST(FrRing, ProductsOfValuesAreSchoolbookNegacyclicProducts) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (const int log_degree : {6, 7, 8, 9}) {
      const RingPtr ring = Ring::create(log_degree);
      const std::vector<Fr> a = random_values(ring->degree(), 1), b = random_values(ring->degree(), 2);
      FrVector x(a), y(b);
      ring->forward(x);
      ring->forward(y);
      multiply(x, y);
      ring->inverse(x);
      EXPECT_EQ(x.to_vector(), schoolbook(a, b)) << log_degree;
    }
  }
}

TEST(FrRing, ValuesAreThoseAtTheRootsInReversedOrder) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (const int log_degree : {6, 10, 14}) {
      const RingPtr ring = Ring::create(log_degree);
      std::vector<Fr> a(ring->degree());
      a[1] = Fr::one();
      FrVector x(a);
      ring->forward(x);
      const std::vector<Fr> points = x.to_vector();
      const Fr psi = points[0];
      EXPECT_EQ(psi.power({ring->degree(), 0, 0, 0}), -Fr::one());
      for (std::size_t i = 0; i < ring->degree(); i += ring->degree() / 64) {
        EXPECT_EQ(points[i], psi.power({2 * reversed(i, log_degree) + 1, 0, 0, 0})) << i;
      }
      const std::vector<Fr> b = random_values(ring->degree(), 3);
      FrVector y(b);
      ring->forward(y);
      for (const std::size_t i : {std::size_t{0}, std::size_t{5}, ring->degree() - 1}) {
        Fr value;
        for (std::size_t j = ring->degree(); j-- > 0;) value = value * points[i] + b[j];
        EXPECT_EQ(y.at(i), value);
      }
    }
  }
}

TEST(FrRing, InverseUndoesForward) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (int log_degree = 6; log_degree <= 15; ++log_degree) {
      const RingPtr ring = Ring::create(log_degree);
      std::vector<Fr> a = random_values(ring->degree(), 7);
      a[0] = -Fr::one();
      a[1] = Fr::zero();
      FrVector x(a);
      ring->forward(x);
      ring->inverse(x);
      EXPECT_EQ(x.to_vector(), a);
    }
  }
}

TEST(FrRing, TransposeMovesTheWeightsOfValuesToCoefficients) {
  const RingPtr ring = Ring::create(8);
  const std::vector<Fr> w = random_values(ring->degree(), 4), c = random_values(ring->degree(), 5);
  FrVector values(c), functional(w);
  ring->forward(values);
  const Fr expected = field::dot(values, FrVector(w));
  ring->transpose_forward(functional);
  EXPECT_EQ(field::dot(functional, FrVector(c)), expected);
}

TEST(FrKernels, CombinationsEqualTheSumsOfProducts) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    std::mt19937_64 random(8);
    for (const std::size_t columns : {1u, 3u, 57u, 1024u}) {
      for (const std::size_t rows : {1u, 4u, 6u}) {
        const std::size_t size = 24;
        std::vector<FrVector> in, out;
        std::vector<const field::FrPack*> in_packs;
        std::vector<field::FrPack*> out_packs;
        for (std::size_t k = 0; k < columns; ++k) in.emplace_back(std::vector<Fr>(size, columns % 2 != 0 ? random_fr(random) : -Fr::one()));
        for (std::size_t i = 0; i < rows; ++i) out.emplace_back(random_values(size, i));
        for (const FrVector& v : in) in_packs.push_back(v.packs());
        for (FrVector& v : out) out_packs.push_back(v.packs());
        std::vector<std::int32_t> w(rows * columns);
        std::vector<std::uint32_t> weights;
        for (auto& v : w) v = columns == 1024 ? 32767 : static_cast<std::int32_t>(random() % 65536) - 32768;
        w[0] = -32768;
        for (const std::int32_t v : w) weights.push_back(static_cast<std::uint32_t>(v + kWeightOffset));
        kernels().combine({weights.data(), rows, columns}, in_packs.data(), 1, 3, out_packs.data());
        for (std::size_t i = 0; i < rows; ++i) {
          const std::vector<Fr> before = random_values(size, i);
          for (std::size_t p = 0; p < size; ++p) {
            Fr expected = before[p];
            if (p >= 8) {
              for (std::size_t k = 0; k < columns; ++k) expected += Fr::from_i64(w[i * columns + k]) * in[k].at(p);
            }
            EXPECT_EQ(out[i].at(p), expected);
          }
        }
      }
    }
  }
}

TEST(Slots, DecodingUndoesEncodingAndProductsAreSlotwise) {
  for (const std::size_t degree : {64u, 1024u}) {
    for (const std::uint64_t bound : {std::uint64_t{1000}, std::uint64_t{1} << 37, (std::uint64_t{1} << 62) - (std::uint64_t{1} << 30)}) {
      const auto t = plaintext_prime(bound, degree);
      ASSERT_TRUE(t.ok());
      EXPECT_GT(*t, bound);
      const auto encoder = SlotEncoder::create(degree, *t);
      ASSERT_TRUE(encoder.ok());
      const auto half = static_cast<std::int64_t>(*t / 2);
      std::mt19937_64 random(9);
      std::vector<std::int64_t> slots(degree - 3);
      for (auto& v : slots) v = static_cast<std::int64_t>(random() % *t) - half;
      slots[0] = half;
      slots[1] = -half;
      const SecretIntegers coefficients = encoder->encode(slots);
      std::vector<std::uint64_t> residues;
      for (const std::int64_t c : coefficients) {
        EXPECT_LE(c, half);
        EXPECT_GE(c, -half);
        residues.push_back(c < 0 ? *t - static_cast<std::uint64_t>(-c) : static_cast<std::uint64_t>(c));
      }
      SecretIntegers decoded = encoder->decode(residues);
      for (std::size_t i = 0; i < degree; ++i) EXPECT_EQ(decoded[i], i < slots.size() ? slots[i] : 0);
      // The square of the polynomial, by the schoolbook, has the squares of the slots.
      if (degree > 64) continue;
      std::vector<std::uint64_t> square(degree, 0);
      for (std::size_t i = 0; i < degree; ++i) {
        for (std::size_t j = 0; j < degree; ++j) {
          const auto product = static_cast<std::uint64_t>(static_cast<base::Uint128>(residues[i]) * residues[j] % *t);
          std::uint64_t& to = square[(i + j) % degree];
          to = (i + j < degree ? to + product : to + *t - product) % *t;
        }
      }
      decoded = encoder->decode(square);
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const base::Int128 expected = static_cast<base::Int128>(slots[i]) * slots[i] % static_cast<base::Int128>(*t);
        const base::Int128 got = decoded[i] < 0 ? decoded[i] + static_cast<base::Int128>(*t) : decoded[i];
        EXPECT_EQ(got, expected);
      }
    }
  }
}

TEST(Slots, ReducesIntegersOfFourLimbs) {
  const std::uint64_t t = *plaintext_prime(std::uint64_t{1} << 61, 64);
  const SlotEncoder encoder = *SlotEncoder::create(64, t);
  std::mt19937_64 random(10);
  for (int trial = 0; trial < 100; ++trial) {
    std::uint64_t limbs[4];
    for (auto& limb : limbs) limb = trial == 0 ? ~std::uint64_t{0} : random();
    std::uint64_t expected = 0;
    for (std::size_t i = 4; i-- > 0;) {
      expected = static_cast<std::uint64_t>(((static_cast<base::Uint128>(expected) << 64) + limbs[i]) % t);
    }
    EXPECT_EQ(encoder.reduce(limbs), expected);
  }
}

TEST(Slots, RefusesModuliThatAreNoPrimesOfTheRing) {
  for (const std::uint64_t t : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65}, std::uint64_t{129}, std::uint64_t{101}}) {
    EXPECT_FALSE(SlotEncoder::create(64, t).ok()) << t;
  }
  EXPECT_EQ(plaintext_prime(std::uint64_t{1} << 62, 64).error().code, base::ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace blindproof::fhe::frbgv

#include "blindproof/fhe/frbgv/scheme.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "blindproof/fhe/frbgv/rerandomizer.h"
#include "blindproof/field/kernel_set.h"

namespace blindproof::fhe::frbgv {
namespace {

struct Fixture {
  explicit Fixture(std::uint64_t bound = std::uint64_t{1} << 40, int log_degree = 8)
      : ring(Ring::create(log_degree)),
        encoder(*SlotEncoder::create(ring->degree(), *plaintext_prime(bound, ring->degree()))),
        random(std::array<std::uint8_t, 32>{1}),
        secret(SecretKey::generate(ring, random)),
        key(PublicKey::generate(secret, encoder.t(), random)) {}

  std::vector<std::int64_t> integers(std::int64_t limit, std::size_t count) {
    std::vector<std::int64_t> values(count);
    for (auto& v : values) v = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * limit + 1))) - limit;
    return values;
  }
  Ciphertext encrypt(std::span<const std::int64_t> slots) {
    return frbgv::encrypt(secret, encoder, slots, Seed{9}, next_index++, random);
  }
  std::vector<std::int64_t> slots_of(const Ciphertext& c) {
    const Decryption d = decrypt(secret, encoder, c);
    last_phase_bits = d.phase_bits;
    return {d.slots.begin(), d.slots.end()};
  }

  RingPtr ring;
  SlotEncoder encoder;
  crypto::Csprng random;
  SecretKey secret;
  PublicKey key;
  std::uint64_t next_index = 0;
  int last_phase_bits = 0;
};

TEST(FrBgv, DecryptionUndoesEncryptionOnEveryKernelSet) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    Fixture f;
    const auto half = static_cast<std::int64_t>(f.encoder.t() / 2);
    std::vector<std::int64_t> slots = f.integers(half, f.ring->degree());
    slots[0] = half;
    slots[1] = -half;
    EXPECT_EQ(f.slots_of(f.encrypt(slots)), slots);
    // t/2 + 21 t at most.
    EXPECT_LE(f.last_phase_bits, static_cast<int>(std::bit_width(f.encoder.t() * 22)));
    slots.resize(3);
    const std::vector<std::int64_t> few = f.slots_of(f.encrypt(slots));
    EXPECT_EQ(few[2], slots[2]);
    EXPECT_EQ(few[3], 0);
  }
}

TEST(FrBgv, CiphertextsUnderOtherKeysDecryptToNoise) {
  Fixture f;
  const SecretKey other = SecretKey::generate(f.ring, f.random);
  const std::vector<std::int64_t> slots(f.ring->degree(), 7);
  const Decryption d = decrypt(other, f.encoder, f.encrypt(slots));
  EXPECT_GT(d.phase_bits, 245);
  EXPECT_LT(std::count(d.slots.begin(), d.slots.end(), 7), 2);
}

TEST(FrBgv, KeysAndCiphertextsAreErrorsOfTheStatedSize) {
  Fixture f(std::uint64_t{1} << 30, 10);
  // p_0 + p_1 s and an encryption of zero have phases t e with |e| <= 21, and all of them.
  for (const Ciphertext& zero : {Ciphertext{f.key.components[0], f.key.components[1]}, f.encrypt(std::vector<std::int64_t>{})}) {
    FrVector phase = zero[1];
    multiply(phase, f.secret.values());
    add(phase, zero[0]);
    f.ring->inverse(phase);
    scale(phase, Fr::from_u64(f.encoder.t()).inverse());
    double squares = 0;
    for (const Fr& e : phase.to_vector()) {
      std::int64_t value = 100;
      for (std::int64_t k = -kErrorBound; k <= kErrorBound; ++k) {
        if (e == Fr::from_i64(k)) value = k;
      }
      ASSERT_NE(value, 100);
      squares += static_cast<double>(value * value);
    }
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(f.ring->degree())), 3.24, 0.4);
  }
}

TEST(FrBgv, UniformHalvesDependOnSeedAndIndexAlone) {
  std::vector<std::vector<Fr>> expanded;
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    const RingPtr ring = Ring::create(7);
    expanded.push_back(expand_uniform(*ring, Seed{5}, 3).to_vector());
    EXPECT_NE(expand_uniform(*ring, Seed{5}, 4).to_vector(), expanded.back());
    EXPECT_NE(expand_uniform(*ring, Seed{6}, 3).to_vector(), expanded.back());
  }
  for (const auto& values : expanded) EXPECT_EQ(values, expanded.front());
}

TEST(FrBgv, SumsSquaresAndConstantsActOnSlots) {
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    Fixture f(std::uint64_t{1} << 50);
    const std::size_t n = f.ring->degree();
    std::vector<std::vector<std::int64_t>> x;
    std::vector<Ciphertext> c;
    for (int d = 0; d < 5; ++d) {
      x.push_back(f.integers(255, n));
      c.push_back(f.encrypt(x.back()));
    }
    std::vector<std::int32_t> w(3 * 5);
    for (auto& v : w) v = static_cast<std::int32_t>(f.random.below(65536)) - 32768;
    std::vector<Ciphertext> sums = combine(w, 3, c);
    std::vector<Ciphertext> squares;
    for (std::size_t i = 0; i < 3; ++i) {
      add_constant(sums[i], Fr::from_i64(-1234567));
      std::vector<std::int64_t> expected(n), squared(n);
      for (std::size_t p = 0; p < n; ++p) {
        expected[p] = -1234567;
        for (std::size_t d = 0; d < 5; ++d) expected[p] += w[5 * i + d] * x[d][p];
        const base::Int128 t = static_cast<base::Int128>(f.encoder.t());
        base::Int128 s = static_cast<base::Int128>(expected[p]) * expected[p] % t;
        if (s > t / 2) s -= t;
        squared[p] = static_cast<std::int64_t>(s);
      }
      EXPECT_EQ(f.slots_of(sums[i]), expected);
      squares.push_back(square(sums[i]));
      EXPECT_EQ(squares.back().size(), 3u);
      EXPECT_EQ(f.slots_of(squares.back()), squared);
    }
    const std::vector<std::int32_t> v = {1, -1, 0};
    std::vector<std::int64_t> difference = f.slots_of(squares[0]);
    const std::vector<std::int64_t> second = f.slots_of(squares[1]);
    const auto t = static_cast<std::int64_t>(f.encoder.t());
    for (std::size_t p = 0; p < n; ++p) {
      difference[p] -= second[p];
      if (difference[p] > t / 2) difference[p] -= t;
      if (difference[p] < -(t / 2)) difference[p] += t;
    }
    EXPECT_EQ(f.slots_of(combine(v, 1, squares)[0]), difference);
  }
}

TEST(FrBgv, SecretKeysAreTernaryAndOthersAreRefused) {
  Fixture f;
  const auto again = SecretKey::from_coefficients(f.ring, f.secret.ternary().clone());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->values().to_vector(), f.secret.values().to_vector());
  crypto::SecretBytes bad = f.secret.ternary().clone();
  bad.expose_mutable()[3] = 2;
  EXPECT_EQ(SecretKey::from_coefficients(f.ring, std::move(bad)).error().code, base::ErrorCode::kMalformed);
  EXPECT_EQ(SecretKey::from_coefficients(f.ring, crypto::SecretBytes(3)).error().code, base::ErrorCode::kMalformed);
}

TEST(FrBgv, ReachesTheLevelOfTheSecurityTable) {
  EXPECT_TRUE(security(kLogDegree).ok());
  EXPECT_GE(rlwe::security_bits(*security(kLogDegree)), 128);
  EXPECT_FALSE(security(12).ok());
}

TEST(Rerandomizer, KeepsRecordsAndRandomisesOtherSlots) {
  for (const std::size_t components : {2u, 3u}) {
    Fixture f;
    const std::size_t n = f.ring->degree(), records = n - 40;
    const std::vector<std::int64_t> slots = f.integers(1000, n);
    const Ciphertext fresh = f.encrypt(slots);
    Ciphertext out = components == 2 ? fresh : square(fresh);
    const std::vector<std::int64_t> before = f.slots_of(out);
    const RerandomizerShape shape{2, components, 9, 3};
    const Rerandomizer r = draw_rerandomizer(*f.ring, f.encoder.t(), shape, f.random);
    const FrVector vanishing = vanishing_values(*f.ring, f.encoder, records);
    add_rerandomizer(*f.ring, f.key, f.encoder.t(), vanishing, r, 1, out);
    const std::vector<std::int64_t> after = f.slots_of(out);
    EXPECT_TRUE(std::equal(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(records), before.begin()));
    std::size_t equal = 0;
    for (std::size_t i = records; i < n; ++i) equal += after[i] == before[i] ? 1u : 0u;
    EXPECT_LE(equal, 1u);
    // t f_0 with |f_0| < 2^(144 - 1) dominates.
    EXPECT_GE(f.last_phase_bits, static_cast<int>(std::bit_width(f.encoder.t())) + 140);
    EXPECT_LE(f.last_phase_bits, static_cast<int>(std::bit_width(f.encoder.t())) + 144);
  }
}

TEST(Rerandomizer, IsTheFormulaOnItsCoefficients) {
  Fixture f;
  const std::size_t n = f.ring->degree();
  const RerandomizerShape shape{2, 3, 5, 3};
  const Rerandomizer r = draw_rerandomizer(*f.ring, f.encoder.t(), shape, f.random);
  const FrVector vanishing = vanishing_values(*f.ring, f.encoder, n / 2);
  const Fr t = Fr::from_u64(f.encoder.t());
  const auto values = [&](const std::vector<Fr>& coefficients) {
    FrVector v(coefficients);
    f.ring->forward(v);
    return v.to_vector();
  };
  const auto small = [&](std::span<const std::int8_t> tensor, std::size_t columns, std::size_t o, std::size_t c) {
    std::vector<Fr> out(n);
    for (std::size_t j = 0; j < n; ++j) out[j] = Fr::from_i64(tensor[(o * columns + c) * n + j]);
    return values(out);
  };
  const auto number = [&](std::size_t o, std::size_t first, std::size_t count, const Fr& offset) {
    std::vector<Fr> out(n, offset);
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k < count; ++k)
        out[j] += Fr::from_i64(r.limbs[(o * 8 + first + k) * n + j] + 32768) * Fr::power_of_two(static_cast<int>(16 * k));
    return values(out);
  };
  const std::vector<Fr> z = vanishing.to_vector(), p0 = f.key.components[0].to_vector(), p1 = f.key.components[1].to_vector();
  for (std::size_t o = 0; o < 2; ++o) {
    Ciphertext out(3, FrVector(n));
    add_rerandomizer(*f.ring, f.key, f.encoder.t(), vanishing, r, o, out);
    const auto u = small(r.masks, 2, o, 0), u2 = small(r.masks, 2, o, 1), f1 = small(r.errors, 3, o, 0), f2 = small(r.errors, 3, o, 1),
               f3 = small(r.errors, 3, o, 2), f0 = number(o, 0, 5, -Fr::power_of_two(79)), h = number(o, 5, 3, Fr::zero());
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(out[0].at(i), u[i] * p0[i] + t * f0[i] + z[i] * h[i]);
      EXPECT_EQ(out[1].at(i), u[i] * p1[i] + t * f1[i] + u2[i] * p0[i] + t * f2[i]);
      EXPECT_EQ(out[2].at(i), u2[i] * p1[i] + t * f3[i]);
    }
  }
}

TEST(Rerandomizer, StaysInItsRanges) {
  Fixture f(1000);
  const RerandomizerShape shape{4, 3, 2, 1};
  const Rerandomizer r = draw_rerandomizer(*f.ring, f.encoder.t(), shape, f.random);
  const std::size_t n = f.ring->degree();
  ASSERT_EQ(r.masks.size(), 4 * 2 * n);
  ASSERT_EQ(r.errors.size(), 4 * 3 * n);
  ASSERT_EQ(r.limbs.size(), 4 * 3 * n);
  const auto masks = std::minmax_element(r.masks.begin(), r.masks.end()), errors = std::minmax_element(r.errors.begin(), r.errors.end());
  EXPECT_EQ(*masks.first, -1);
  EXPECT_EQ(*masks.second, 1);
  EXPECT_GE(*errors.first, -kErrorBound);
  EXPECT_LE(*errors.second, kErrorBound);
  for (std::size_t o = 0; o < 4; ++o) {
    std::int64_t largest = 0;
    for (std::size_t j = 0; j < n; ++j) largest = std::max<std::int64_t>(largest, r.limbs[(o * 3 + 2) * n + j] + 32768);
    EXPECT_LT(largest, static_cast<std::int64_t>(f.encoder.t()));
    EXPECT_GT(largest, static_cast<std::int64_t>(f.encoder.t()) * 9 / 10);
  }
}

TEST(Rerandomizer, WithoutUnusedSlotsHidesNothingAway) {
  Fixture f;
  for (const Fr& v : vanishing_values(*f.ring, f.encoder, f.ring->degree()).to_vector()) EXPECT_TRUE(v.is_zero());
}

}  // namespace
}  // namespace blindproof::fhe::frbgv

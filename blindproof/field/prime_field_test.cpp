#include "blindproof/field/prime_field.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace blindproof::field {
namespace {

mpz_class from_limbs(const Limbs& limbs) {
  mpz_class z;
  mpz_import(z.get_mpz_t(), 4, -1, 8, 0, 0, limbs.data());
  return z;
}

Limbs to_limbs(const mpz_class& z) {
  Limbs limbs{};
  mpz_export(limbs.data(), nullptr, -1, 8, 0, 0, z.get_mpz_t());
  return limbs;
}

template <class Field>
class PrimeFieldLaws : public testing::Test {
 protected:
  static mpz_class modulus() { return from_limbs(Field::kModulus); }

  static Field from_mpz(mpz_class z) {
    z %= modulus();
    if (z < 0) z += modulus();
    return Field::from_limbs(to_limbs(z));
  }

  static mpz_class to_mpz(const Field& x) { return from_limbs(x.to_limbs()); }

  /// Random elements, and those whose Montgomery or ordinary limbs are all zeros, all ones or next to the modulus.
  static std::vector<Field> samples() {
    std::vector<Field> result;
    const mpz_class p = modulus(), two_256 = mpz_class(1) << 256;
    for (const mpz_class& edge : std::vector<mpz_class>{0, 1, 2, p / 2, p >> 64, mpz_class(1) << 64,
                                                        (mpz_class(1) << 64) - 1, (mpz_class(1) << 128) - 1,
                                                        (mpz_class(1) << 192) - 1, (mpz_class(1) << 253) - 1,
                                                        two_256 % p, (two_256 * two_256) % p}) {
      for (const mpz_class& z : {mpz_class(edge), mpz_class(p - edge), mpz_class(p - 1 - edge)}) {
        if (z < 0 || z >= p) continue;
        result.push_back(from_mpz(z));
        result.push_back(Field::from_montgomery(to_limbs(z)));
      }
    }
    std::mt19937_64 random(20240601);
    for (int i = 0; i < 40; ++i) {
      mpz_class z = 0;
      for (int j = 0; j < 5; ++j) z = (z << 64) + mpz_class(static_cast<unsigned long>(random()));
      result.push_back(from_mpz(z));
    }
    return result;
  }
};

using Fields = testing::Types<Fr, Fq>;
TYPED_TEST_SUITE(PrimeFieldLaws, Fields);

TYPED_TEST(PrimeFieldLaws, ModuliAreTheGroupOrderAndTheCoordinateFieldOfBn254) {
  // The curve's family: p and r are polynomials in t.  Ref: Barreto and Naehrig, SAC 2005.
  const mpz_class t("4965661367192848881"), t2 = t * t;
  const mpz_class q = 36 * t2 * t2 + 36 * t2 * t + 24 * t2 + 6 * t + 1;
  const mpz_class r = q - 6 * t2;
  EXPECT_EQ(this->modulus(), (std::is_same_v<TypeParam, Fr> ? r : q));
  EXPECT_NE(mpz_probab_prime_p(this->modulus().get_mpz_t(), 30), 0);
}

TYPED_TEST(PrimeFieldLaws, ArithmeticMatchesBigIntegers) {
  const mpz_class p = this->modulus();
  const auto mod = [&](mpz_class z) {
    z %= p;
    return z < 0 ? mpz_class(z + p) : z;
  };
  const std::vector<TypeParam> samples = this->samples();
  for (const TypeParam& a : samples) {
    const mpz_class x = this->to_mpz(a);
    EXPECT_LT(x, p);
    EXPECT_EQ(this->to_mpz(-a), mod(-x));
    EXPECT_EQ(this->to_mpz(a.squared()), mod(x * x));
    EXPECT_EQ(this->to_mpz(a.doubled()), mod(2 * x));
    EXPECT_EQ(a.is_zero(), x == 0);
    for (const TypeParam& b : samples) {
      const mpz_class y = this->to_mpz(b);
      ASSERT_EQ(this->to_mpz(a + b), mod(x + y));
      ASSERT_EQ(this->to_mpz(a - b), mod(x - y));
      ASSERT_EQ(this->to_mpz(a * b), mod(x * y));
      ASSERT_EQ(a == b, x == y);
    }
  }
}

TYPED_TEST(PrimeFieldLaws, CompoundAssignmentAgreesWithOperators) {
  for (const TypeParam& a : this->samples()) {
    TypeParam b = a;
    EXPECT_EQ(b += a, a + a);
    EXPECT_EQ(b *= a, (a + a) * a);
    EXPECT_EQ(b -= a, (a + a) * a - a);
  }
}

TYPED_TEST(PrimeFieldLaws, InverseMatchesBigIntegersAndZeroStaysZero) {
  const mpz_class p = this->modulus();
  for (const TypeParam& a : this->samples()) {
    const TypeParam inverse = a.inverse();
    if (a.is_zero()) {
      EXPECT_TRUE(inverse.is_zero());
      continue;
    }
    mpz_class expected;
    const mpz_class x = this->to_mpz(a);
    ASSERT_NE(mpz_invert(expected.get_mpz_t(), x.get_mpz_t(), p.get_mpz_t()), 0);
    ASSERT_EQ(this->to_mpz(inverse), expected);
  }
  TypeParam a = TypeParam::from_u64(7);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(a * a.inverse(), TypeParam::one());
    a = a.squared() + TypeParam::from_u64(static_cast<std::uint64_t>(i));
  }
}

TYPED_TEST(PrimeFieldLaws, BatchInvertAgreesWithSingleInversionsAndKeepsZeros) {
  for (std::size_t size : {0u, 1u, 2u, 7u, 64u}) {
    std::vector<TypeParam> values = this->samples();
    values.resize(size);
    std::vector<TypeParam> expected;
    for (const TypeParam& a : values) expected.push_back(a.inverse());
    batch_invert(std::span<TypeParam>(values));
    EXPECT_EQ(values, expected);
  }
  std::vector<TypeParam> zeros(3);
  batch_invert(std::span<TypeParam>(zeros));
  EXPECT_EQ(zeros, std::vector<TypeParam>(3));
}

TYPED_TEST(PrimeFieldLaws, PowerMatchesBigIntegers) {
  const mpz_class p = this->modulus();
  const std::vector<mpz_class> exponents = {0, 1, 2, 15, 16, p - 2, p - 1, p, (mpz_class(1) << 256) - 1};
  for (const TypeParam& a : this->samples()) {
    for (const mpz_class& exponent : exponents) {
      mpz_class expected;
      const mpz_class x = this->to_mpz(a);
      mpz_powm(expected.get_mpz_t(), x.get_mpz_t(), exponent.get_mpz_t(), p.get_mpz_t());
      ASSERT_EQ(this->to_mpz(a.power(to_limbs(exponent))), expected);
    }
  }
}

TYPED_TEST(PrimeFieldLaws, PowerOfTwoMatchesBigIntegers) {
  for (int exponent : {0, 1, 63, 64, 253, 254, 255, 256, 300, 1000}) {
    const mpz_class expected = (mpz_class(1) << static_cast<unsigned>(exponent)) % this->modulus();
    EXPECT_EQ(this->to_mpz(TypeParam::power_of_two(exponent)), expected);
  }
}

TYPED_TEST(PrimeFieldLaws, IntegersOfEverySignConvert) {
  for (std::int64_t value : std::vector<std::int64_t>{0, 1, -1, 127, -128, INT64_MAX, INT64_MIN, INT64_MIN + 1}) {
    EXPECT_EQ(TypeParam::from_i64(value), this->from_mpz(mpz_class(static_cast<long>(value))));
    EXPECT_EQ(TypeParam::from_i128(value), TypeParam::from_i64(value));
  }
  EXPECT_EQ(TypeParam::from_u64(UINT64_MAX), this->from_mpz((mpz_class(1) << 64) - 1));
  const base::Int128 most = static_cast<base::Int128>(~static_cast<base::Uint128>(0) >> 1);
  EXPECT_EQ(TypeParam::from_i128(most), this->from_mpz((mpz_class(1) << 127) - 1));
  EXPECT_EQ(TypeParam::from_i128(-most - 1), this->from_mpz(-(mpz_class(1) << 127)));
}

TYPED_TEST(PrimeFieldLaws, BytesRoundTripAndAreLittleEndian) {
  for (const TypeParam& a : this->samples()) {
    const auto bytes = a.to_bytes();
    mpz_class z;
    mpz_import(z.get_mpz_t(), 32, -1, 1, 0, 0, bytes.data());
    EXPECT_EQ(z, this->to_mpz(a));
    EXPECT_EQ(TypeParam::from_bytes(bytes), a);
  }
}

TYPED_TEST(PrimeFieldLaws, BytesOfTheModulusAndAboveAreRefused) {
  const auto parse = [](const mpz_class& z) {
    std::array<std::uint8_t, 32> bytes{};
    mpz_export(bytes.data(), nullptr, -1, 1, 0, 0, z.get_mpz_t());
    return TypeParam::from_bytes(bytes);
  };
  const mpz_class p = this->modulus(), most = (mpz_class(1) << 256) - 1;
  EXPECT_EQ(parse(p - 1), -TypeParam::one());
  for (const mpz_class& z : {mpz_class(p), mpz_class(p + 1), mpz_class(2 * p), mpz_class(p + (mpz_class(1) << 64)),
                             mpz_class(p + (mpz_class(1) << 192)), mpz_class(most - p), most}) {
    EXPECT_EQ(parse(z), std::nullopt) << z;
  }
  // Above p in one limb, below in the next more significant one.
  Limbs limbs = TypeParam::kModulus;
  limbs[0] = limbs[1] = limbs[2] = UINT64_MAX;
  limbs[3] -= 1;
  EXPECT_TRUE(parse(from_limbs(limbs)).has_value());
}

TYPED_TEST(PrimeFieldLaws, WideBytesAreReducedLikeBigIntegers) {
  const auto check = [&](const std::array<std::uint8_t, 64>& bytes) {
    mpz_class z;
    mpz_import(z.get_mpz_t(), 64, -1, 1, 0, 0, bytes.data());
    EXPECT_EQ(this->to_mpz(TypeParam::from_wide_bytes(bytes)), z % this->modulus());
  };
  std::array<std::uint8_t, 64> bytes;
  for (int fill : {0x00, 0xff, 0x80, 0x01}) {
    bytes.fill(static_cast<std::uint8_t>(fill));
    check(bytes);
    for (std::size_t i = 0; i < 32; ++i) bytes[i] = 0;
    check(bytes);
    bytes.fill(static_cast<std::uint8_t>(fill));
    for (std::size_t i = 32; i < 64; ++i) bytes[i] = 0;
    check(bytes);
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    check(bytes);
  }
}

TEST(FqSquareRoot, ExistsExactlyForQuadraticResidues) {
  const mpz_class p = from_limbs(Fq::kModulus);
  Fq a = Fq::from_u64(3);
  int residues = 0;
  for (int i = 0; i < 300; ++i) {
    const auto root = a.square_root();
    const mpz_class z = from_limbs(a.to_limbs());
    const bool residue = mpz_legendre(z.get_mpz_t(), p.get_mpz_t()) >= 0;
    ASSERT_EQ(root.has_value(), residue);
    if (root) {
      EXPECT_EQ(root->squared(), a);
    }
    residues += residue;
    a = a * Fq::from_u64(5) + Fq::one();
  }
  EXPECT_GT(residues, 100);
  EXPECT_LT(residues, 200);
  EXPECT_EQ(Fq::zero().square_root(), Fq::zero());
  EXPECT_EQ((-Fq::one()).square_root(), std::nullopt);
}

}  // namespace
}  // namespace blindproof::field

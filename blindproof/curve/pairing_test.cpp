#include "blindproof/curve/pairing.h"

#include <gtest/gtest.h>

#include "blindproof/curve/curve_test_support.h"
#include "blindproof/curve/tower.h"

namespace blindproof::curve {
namespace {

Fq random_fq(test::Random& random) { return Fq::from_limbs(random.scalar().to_limbs()); }
Fq2 random_fq2(test::Random& random) { return {random_fq(random), random_fq(random)}; }

TEST(Fq2, OperationsSatisfyTheLawsOfTheField) {
  test::Random random;
  for (int i = 0; i < 50; ++i) {
    const Fq2 a = random_fq2(random), b = random_fq2(random), c = random_fq2(random);
    EXPECT_EQ((a + b) * c, a * c + b * c);
    EXPECT_EQ(a * (b * c), (a * b) * c);
    EXPECT_EQ(a.squared(), a * a);
    EXPECT_EQ(a * a.inverse(), Fq2::one());
    EXPECT_EQ((a * b).conjugate(), a.conjugate() * b.conjugate());
    const Fq2 u{Fq::zero(), Fq::one()};
    EXPECT_EQ(u * u, -Fq2::one());
    const std::optional<Fq2> root = a.squared().square_root();
    ASSERT_TRUE(root.has_value());
    EXPECT_TRUE(*root == a || *root == -a);
  }
  EXPECT_TRUE(Fq2::zero().inverse().is_zero());
  for (const Fq2& real : {Fq2{Fq::from_u64(4), {}}, Fq2{-Fq::from_u64(4), {}}, Fq2{}}) EXPECT_EQ(real.square_root()->squared(), real);
}

TEST(Fq2, HalfOfTheElementsAreSquares) {
  test::Random random;
  int squares = 0;
  for (int i = 0; i < 200; ++i) squares += random_fq2(random).square_root().has_value();
  EXPECT_GT(squares, 60);
  EXPECT_LT(squares, 140);
}

TEST(Tower, OperationsSatisfyTheLawsOfTheField) {
  test::Random random;
  const auto fq6 = [&] { return Fq6{random_fq2(random), random_fq2(random), random_fq2(random)}; };
  for (int i = 0; i < 20; ++i) {
    const Fq12 a{fq6(), fq6()}, b{fq6(), fq6()}, c{fq6(), fq6()};
    EXPECT_EQ(a * (b * c), (a * b) * c);
    EXPECT_EQ(a.squared(), a * a);
    EXPECT_EQ(a * a.inverse(), Fq12::one());
    EXPECT_EQ((a * b).frobenius(), a.frobenius() * b.frobenius());
    Fq12 power = a;
    for (int k = 0; k < 12; ++k) power = power.frobenius();
    EXPECT_EQ(power, a);
    for (int k = 0; k < 6; ++k) power = power.frobenius();
    EXPECT_EQ(power, a.conjugate());
    const Fq2 l0 = random_fq2(random), l1 = random_fq2(random), l2 = random_fq2(random);
    EXPECT_EQ(a.times_line(l0, l1, l2), a * (Fq12{{l0, {}, {}}, {l1, l2, {}}}));
    const Fq12 first = a.conjugate() * a.inverse(), cyclotomic = first.frobenius().frobenius() * first;
    EXPECT_EQ(cyclotomic.cyclotomic_squared(), cyclotomic.squared());
  }
}

TEST(Pairing, IsBilinearAndNotDegenerate) {
  test::Random random;
  const Gt base = pairing(G1Affine::generator(), G2Affine::generator());
  EXPECT_FALSE(base == Gt::one());
  EXPECT_EQ(base.power(-Fr::one()) * base, Gt::one());
  for (int i = 0; i < 5; ++i) {
    const Fr a = random.scalar(), b = random.scalar();
    const G1Affine p = (G1::generator() * a).to_affine();
    const G2Affine q = (G2::generator() * b).to_affine();
    EXPECT_EQ(pairing(p, q), base.power(a * b));
    EXPECT_EQ(pairing(-p, q) * pairing(p, q), Gt::one());
    EXPECT_EQ(pairing(-p, q), pairing(p, -q));
  }
  EXPECT_EQ(pairing(G1Affine::identity(), G2Affine::generator()), Gt::one());
  EXPECT_EQ(pairing(G1Affine::generator(), G2Affine::identity()), Gt::one());
}

TEST(Pairing, ProductsAreOneExactlyWhenLogarithmsCancel) {
  test::Random random;
  for (std::size_t count = 1; count <= 5; ++count) {
    std::vector<PairingTerm> terms;
    Fr sum;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const Fr a = random.scalar(), b = random.scalar();
      terms.push_back({(G1::generator() * a).to_affine(), (G2::generator() * b).to_affine()});
      sum += a * b;
    }
    terms.push_back({(G1::generator() * -sum).to_affine(), G2Affine::generator()});
    EXPECT_TRUE(pairing_product_is_one(terms));
    terms[0].p = (G1(terms[0].p) + G1Affine::generator()).to_affine();
    EXPECT_FALSE(pairing_product_is_one(terms));
  }
  EXPECT_TRUE(pairing_product_is_one({}));
}

}  // namespace
}  // namespace blindproof::curve

// Encrypted integers against plain ones, and measured errors against predicted ones.
#include "blindproof/fhe/bfv/bfv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::bfv {
namespace {

using Slots = std::vector<std::int64_t>;

crypto::Csprng fixed_random(std::uint8_t label) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = label;
  return crypto::Csprng(std::span<const std::uint8_t, 32>(seed));
}

struct Fixture {
  explicit Fixture(ContextPtr made) : context(std::move(made)) {
    crypto::Csprng keys = fixed_random(1);
    secret.emplace(generate_secret_key(*context, keys));
    public_key.emplace(generate_public_key(*secret, keys));
    relinearization.emplace(generate_relinearization_key(*context, *secret, keys));
    const std::vector<std::int64_t> steps{1, -3, 8};
    rotations = generate_rotation_keys(*context, *secret, steps, true, keys);
  }

  std::int64_t t() const { return static_cast<std::int64_t>(context->parameters().t); }
  std::int64_t reduced(std::int64_t value) const { return context->t().centered(context->t().reduce_signed(value)); }

  Slots random_slots(std::mt19937_64& source) const {
    std::uniform_int_distribution<std::int64_t> uniform(-(t() / 2), t() / 2);
    Slots result(context->slots().slots());
    for (std::int64_t& value : result) value = uniform(source);
    return result;
  }

  Ciphertext encrypted(const Slots& values) { return encrypt(*public_key, encode(context, values).value(), random); }

  /// The phase less Q/t times the message, as its largest coefficient.
  double measured_error(const Ciphertext& ciphertext, const Plaintext& message) {
    const rlwe::NttPoly phase = rlwe::phase(ciphertext.parts(), *secret);
    const mpz_class q = rlwe::modulus_product(phase), modulus = rlwe::to_mpz(context->parameters().t);
    const std::vector<mpz_class> x = rlwe::centered_coefficients(phase);
    double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // t e = t x - Q m, up to multiples of t Q.
      mpz_class scaled = (modulus * x[i] - q * rlwe::to_mpz(message.coefficients()[i])) % (modulus * q);
      if (2 * scaled > modulus * q) scaled -= modulus * q;
      if (2 * scaled < -modulus * q) scaled += modulus * q;
      largest = std::max(largest, std::abs(mpf_class(mpf_class(scaled) / mpf_class(modulus)).get_d()));
    }
    return largest;
  }

  void expect_exact(const base::Result<Ciphertext>& ciphertext, const Slots& expected, double loose_bits, const char* what) {
    ASSERT_TRUE(ciphertext.ok()) << what << ": " << ciphertext.error().message();
    const auto plaintext = decrypt(*secret, *ciphertext);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_EQ(decode(*plaintext), expected) << what;
    const double measured = measured_error(*ciphertext, *plaintext), bound = kTail * ciphertext->noise();
    EXPECT_LE(measured, bound) << what;
    EXPECT_GE(measured * std::exp2(loose_bits), bound) << what;
  }

  ContextPtr context;
  crypto::Csprng random = fixed_random(2);
  std::optional<rlwe::SecretKey> secret;
  std::optional<rlwe::PublicKey> public_key;
  std::optional<rlwe::KeySwitchKey> relinearization;
  rlwe::GaloisKeys rotations;
};

ContextPtr small_context(int limbs = 4, int limb_bits = 50, std::uint64_t t = 65537) {
  return testing::InsecureParameters::bfv(
             {.log_degree = 9, .t = t, .limbs = limbs, .limb_bits = limb_bits, .digits = 2})
      .value();
}

TEST(Slots, TwoRowsOfIntegers) {
  const ContextPtr context = small_context();
  std::mt19937_64 random(1);
  const Fixture f(context);
  const Slots x = f.random_slots(random), y = f.random_slots(random);
  const auto a = encode(context, x), b = encode(context, y);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(decode(*a), x);
  // The product of polynomials is the product of slots.
  std::vector<mpz_class> p, q;
  for (const std::uint64_t c : a->coefficients()) p.push_back(rlwe::to_mpz(c));
  for (const std::uint64_t c : b->coefficients()) q.push_back(rlwe::to_mpz(c));
  std::vector<std::uint64_t> product;
  const mpz_class t = rlwe::to_mpz(context->parameters().t);
  for (const mpz_class& c : rlwe::negacyclic_product(p, q)) {
    mpz_class rest = c % t;
    if (rest < 0) rest += t;
    product.push_back(rest.get_ui());
  }
  Slots expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = f.reduced(x[i] * y[i]);
  EXPECT_EQ(decode(Plaintext(context, product)), expected);
  EXPECT_FALSE(encode(context, Slots(x.size() + 1)).ok());
  EXPECT_FALSE(encode(context, Slots{32769}).ok());
  EXPECT_FALSE(encode(context, Slots{-32769}).ok());
  EXPECT_TRUE(encode(context, Slots{-32768, 32768}).ok());
}

class Bfv : public ::testing::TestWithParam<std::string_view> {
 protected:
  static Fixture& fixture() {
    static std::map<std::string_view, std::unique_ptr<Fixture>> fixtures;
    std::unique_ptr<Fixture>& made = fixtures[GetParam()];
    if (made == nullptr) {
      made = std::make_unique<Fixture>(GetParam() == "small"         ? small_context()
                                       : GetParam() == "short limbs" ? small_context(6, 36)
                                       : GetParam() == "long t"      ? small_context(5, 50, 549755809793)
                                                                     : Context::create(GetParam()).value());
    }
    return *made;
  }
};

TEST_P(Bfv, OperationsAreThoseOfTheSlots) {
  Fixture& f = fixture();
  std::mt19937_64 random(3);
  const Slots x = f.random_slots(random), y = f.random_slots(random);
  const Ciphertext a = f.encrypted(x), b = f.encrypted(y);
  const Plaintext p = encode(f.context, y).value();
  const std::size_t n = x.size(), row = n / 2;
  const auto map = [&](auto&& function) {
    Slots result(n);
    for (std::size_t i = 0; i < n; ++i) result[i] = function(i);
    return result;
  };
  const auto product = [&](std::int64_t u, std::int64_t v) {
    return f.context->t().centered(
        f.context->t().multiply(f.context->t().reduce_signed(u), f.context->t().reduce_signed(v)));
  };
  const Slots products = map([&](std::size_t i) { return product(x[i], y[i]); });
  f.expect_exact(a, x, 3, "public key");
  f.expect_exact(encrypt(*f.secret, encode(f.context, x).value(), f.random), x, 3, "secret key");
  f.expect_exact(add(a, b), map([&](std::size_t i) { return f.reduced(x[i] + y[i]); }), 4, "sum");
  f.expect_exact(subtract(a, b), map([&](std::size_t i) { return f.reduced(x[i] - y[i]); }), 4, "difference");
  f.expect_exact(add(a, p), map([&](std::size_t i) { return f.reduced(x[i] + y[i]); }), 4, "sum with plaintext");
  f.expect_exact(subtract(a, p), map([&](std::size_t i) { return f.reduced(x[i] - y[i]); }), 4, "difference with plaintext");
  f.expect_exact(negate(a), map([&](std::size_t i) { return -x[i]; }), 3, "negation");
  f.expect_exact(multiply(a, p), products, 4, "product with plaintext");
  f.expect_exact(multiply(a, -7), map([&](std::size_t i) { return product(x[i], -7); }), 3, "product with a constant");
  f.expect_exact(multiply(a, b), products, 4, "product");
  f.expect_exact(multiply(a, b, *f.relinearization), products, 4, "product, relinearised");
  f.expect_exact(square(a), map([&](std::size_t i) { return product(x[i], x[i]); }), 4, "square");
  f.expect_exact(relinearize(*add(*multiply(a, b), *square(a)), *f.relinearization),
                 map([&](std::size_t i) { return f.reduced(product(x[i], y[i]) + product(x[i], x[i])); }), 5, "sum of products");
  const auto rotated = [&](std::int64_t steps) {
    return map([&](std::size_t i) { return x[i / row * row + (i + row + static_cast<std::size_t>(steps)) % row]; });
  };
  const std::vector<std::int64_t> steps{1, -3, 8, 0};
  const auto hoisted = rotate_hoisted(a, steps, f.rotations);
  ASSERT_TRUE(hoisted.ok());
  for (std::size_t k = 0; k < steps.size(); ++k) {
    f.expect_exact(rotate(a, steps[k], f.rotations), rotated(steps[k]), 3, "rotation");
    f.expect_exact((*hoisted)[k], rotated(steps[k]), 3, "hoisted rotation");
  }
  f.expect_exact(exchange_rows(a, f.rotations), map([&](std::size_t i) { return x[(i + row) % n]; }), 3, "exchange of rows");
}

TEST_P(Bfv, ProductsInSequenceUntilTheErrorIsTooLong) {
  Fixture& f = fixture();
  std::mt19937_64 random(4);
  Slots x = f.random_slots(random);
  base::Result<Ciphertext> a = f.encrypted(x);
  int depth = 0;
  while (true) {
    base::Result<Ciphertext> next = multiply(*a, *a, *f.relinearization);
    if (!next.ok()) {
      EXPECT_NE(next.error().detail.find("might not decrypt"), std::string::npos);
      break;
    }
    a = std::move(next);
    ++depth;
    for (std::int64_t& value : x) {
      const std::uint64_t residue = f.context->t().reduce_signed(value);
      value = f.context->t().centered(f.context->t().multiply(residue, residue));
    }
    f.expect_exact(a, x, 4 + depth, "power");
  }
  EXPECT_GE(depth, GetParam() == "bfv-16384" ? 5 : GetParam() == "bfv-8192" ? 2 : 1);
}

INSTANTIATE_TEST_SUITE_P(Parameters, Bfv, ::testing::Values("small", "short limbs", "long t", "bfv-8192", "bfv-16384"),
                         [](const auto& tested) {
                           std::string name(tested.param);
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == ' '; }, '_');
                           return name;
                         });

TEST(BfvErrors, SayWhatDoesNotFit) {
  Fixture f(small_context()), other(small_context(3));
  std::mt19937_64 random(5);
  const Slots x = f.random_slots(random);
  const Ciphertext a = f.encrypted(x), foreign = other.encrypted(x);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(add(a, foreign)).find("different contexts"), std::string::npos);
  EXPECT_NE(detail(multiply(a, foreign)).find("different contexts"), std::string::npos);
  EXPECT_NE(detail(multiply(*multiply(a, a), a)).find("relinearise"), std::string::npos);
  EXPECT_NE(detail(relinearize(a, *f.relinearization)).find("not relinearised"), std::string::npos);
  EXPECT_NE(detail(relinearize(*multiply(a, a), *other.relinearization)).find("another ring"), std::string::npos);
  EXPECT_NE(detail(rotate(a, 2, f.rotations)).find("generate it"), std::string::npos);
  EXPECT_NE(detail(decrypt(*other.secret, a)).find("another ring"), std::string::npos);
  for (const auto& transparent : {subtract(a, a), multiply(a, 0), multiply(a, f.t()), multiply(a, encode(f.context, Slots(1)).value())}) {
    EXPECT_NE(detail(transparent).find("hides nothing"), std::string::npos);
  }
}

TEST(BfvParameters, NamedSetsAreSecureAndBadOnesAreRefused) {
  for (const NamedParameters& set : named_parameters()) {
    const auto context = Context::create(set.name);
    ASSERT_TRUE(context.ok()) << set.name << ": " << context.error().message();
  }
  EXPECT_FALSE(Context::create("bfv-none").ok());
  EXPECT_FALSE(Context::create({.log_degree = 12, .t = 65537, .limbs = 3}).ok());                      // not secure
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 65539, .limbs = 2}).ok());                      // not 1 mod 2N
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .limbs = 1, .limb_bits = 30}).ok());   // no room
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .limbs = 16}).ok());
}

}  // namespace
}  // namespace blindproof::fhe::bfv

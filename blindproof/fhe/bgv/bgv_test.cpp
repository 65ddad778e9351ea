// Encrypted integers against plain ones, and measured phases against predicted ones.
#include "blindproof/fhe/bgv/bgv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::bgv {
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
    const int top = context->top_level();
    secret.emplace(generate_secret_key(*context, keys));
    public_key.emplace(generate_public_key(*context, *secret, keys));
    relinearization.emplace(generate_relinearization_key(*context, *secret, top, keys));
    const std::vector<std::int64_t> steps{1, -3, 8};
    rotations = generate_rotation_keys(*context, *secret, top, steps, true, keys);
  }

  std::int64_t t() const { return static_cast<std::int64_t>(context->parameters().t); }
  std::int64_t reduced(std::int64_t value) const { return context->t().centered(context->t().reduce_signed(value)); }
  std::int64_t product(std::int64_t u, std::int64_t v) const {
    const field::Modulus& modulus = context->t();
    return modulus.centered(modulus.multiply(modulus.reduce_signed(u), modulus.reduce_signed(v)));
  }

  Slots random_slots(std::mt19937_64& source) const {
    std::uniform_int_distribution<std::int64_t> uniform(-(t() / 2), t() / 2);
    Slots result(context->slots().slots());
    for (std::int64_t& value : result) value = uniform(source);
    return result;
  }

  Ciphertext encrypted(const Slots& values) { return encrypt(*public_key, encode(context, values).value(), random); }

  void expect_exact(const base::Result<Ciphertext>& ciphertext, const Slots& expected, double loose_bits, const char* what) {
    ASSERT_TRUE(ciphertext.ok()) << what << ": " << ciphertext.error().message();
    const auto plaintext = decrypt(*secret, *ciphertext);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_EQ(decode(*plaintext), expected) << what;
    double measured = 0;
    for (const mpz_class& c : rlwe::centered_coefficients(rlwe::phase(ciphertext->parts(), *secret))) {
      measured = std::max(measured, std::abs(c.get_d()));
    }
    const double bound = kTail * ciphertext->deviation();
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

ContextPtr small_context(int levels = 4, std::uint64_t t = 65537) {
  return testing::InsecureParameters::bgv({.log_degree = 9, .t = t, .levels = levels, .digits = 2}).value();
}

class Bgv : public ::testing::TestWithParam<std::string_view> {
 protected:
  static Fixture& fixture() {
    static std::map<std::string_view, std::unique_ptr<Fixture>> fixtures;
    std::unique_ptr<Fixture>& made = fixtures[GetParam()];
    if (made == nullptr) {
      made = std::make_unique<Fixture>(GetParam() == "small"     ? small_context()
                                       : GetParam() == "short t" ? small_context(6, 12289)
                                                                 : Context::create(GetParam()).value());
    }
    return *made;
  }
};

TEST_P(Bgv, OperationsAreThoseOfTheSlots) {
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
  const Slots products = map([&](std::size_t i) { return f.product(x[i], y[i]); });
  f.expect_exact(a, x, 3, "public key");
  f.expect_exact(encrypt(*f.secret, encode(f.context, x).value(), f.random), x, 3, "secret key");
  f.expect_exact(add(a, b), map([&](std::size_t i) { return f.reduced(x[i] + y[i]); }), 4, "sum");
  f.expect_exact(subtract(a, b), map([&](std::size_t i) { return f.reduced(x[i] - y[i]); }), 4, "difference");
  f.expect_exact(add(a, p), map([&](std::size_t i) { return f.reduced(x[i] + y[i]); }), 4, "sum with plaintext");
  f.expect_exact(subtract(a, p), map([&](std::size_t i) { return f.reduced(x[i] - y[i]); }), 4, "difference with plaintext");
  f.expect_exact(negate(a), map([&](std::size_t i) { return -x[i]; }), 3, "negation");
  f.expect_exact(multiply(a, p), products, 4, "product with plaintext");
  f.expect_exact(multiply(a, -7), map([&](std::size_t i) { return f.product(x[i], -7); }), 3, "product with a constant");
  f.expect_exact(multiply(a, b), products, 5, "product");
  f.expect_exact(relinearize(*multiply(a, b), *f.relinearization), products, 5, "product, relinearised");
  f.expect_exact(rescale(*multiply(a, b)), products, 5, "product, rescaled but not relinearised");
  f.expect_exact(multiply(a, b, *f.relinearization), products, 5, "product in one pass");
  f.expect_exact(relinearize_and_rescale(*square(a), *f.relinearization), map([&](std::size_t i) { return f.product(x[i], x[i]); }),
                 5, "square");
  f.expect_exact(relinearize_and_rescale(*add(*multiply(a, b), *square(a)), *f.relinearization),
                 map([&](std::size_t i) { return f.reduced(f.product(x[i], y[i]) + f.product(x[i], x[i])); }), 6, "sum of products");
  f.expect_exact(rescale(a), x, 4, "rescaled");
  // A product and a fresh ciphertext meet at the next level.
  const Ciphertext lower = lower_to(b, f.context->top_level() - 1).value();
  EXPECT_EQ(lower.factor(), f.context->factor(f.context->top_level() - 1));
  f.expect_exact(add(*multiply(a, b, *f.relinearization), lower),
                 map([&](std::size_t i) { return f.reduced(products[i] + y[i]); }), 6, "sum at the next level");
  f.expect_exact(lower_to(a, 0), x, 5, "lowered to the end");
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

TEST_P(Bgv, RandomCircuitsAreExactDownToTheLastLevel) {
  Fixture& f = fixture();
  std::mt19937_64 random(4);
  struct Value {
    Ciphertext encrypted;
    Slots plain;
  };
  std::vector<Value> values;
  for (int i = 0; i < 3; ++i) {
    const Slots x = f.random_slots(random);
    values.push_back({f.encrypted(x), x});
  }
  for (int level = f.context->top_level(); level > 0; --level) {
    std::vector<Value> next;
    for (int i = 0; i < 3; ++i) {
      const Value& a = values[random() % 3];
      const Value& b = values[random() % 3];
      Slots plain(a.plain.size());
      switch (random() % 3) {
        case 0: {
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = f.product(a.plain[j], b.plain[j]);
          next.push_back({multiply(a.encrypted, b.encrypted, *f.relinearization).value(), plain});
          break;
        }
        case 1: {
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = f.reduced(a.plain[j] + b.plain[j]);
          next.push_back({lower_to(add(a.encrypted, b.encrypted).value(), level - 1).value(), plain});
          break;
        }
        default: {
          const std::size_t row = plain.size() / 2;
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = a.plain[j / row * row + (j + 8) % row];
          next.push_back({lower_to(rotate(a.encrypted, 8, f.rotations).value(), level - 1).value(), plain});
        }
      }
      EXPECT_EQ(next.back().encrypted.level(), level - 1);
      EXPECT_EQ(next.back().encrypted.factor(), f.context->factor(level - 1));
    }
    values = std::move(next);
  }
  for (const Value& value : values) f.expect_exact(value.encrypted, value.plain, 6, "circuit");
}

TEST_P(Bgv, SquaresInSequenceReachTheLastLevel) {
  Fixture& f = fixture();
  std::mt19937_64 random(6);
  Slots x = f.random_slots(random);
  Ciphertext a = f.encrypted(x);
  while (a.level() > 0) {
    const auto next = multiply(a, a, *f.relinearization);
    ASSERT_TRUE(next.ok()) << next.error().message();
    a = *next;
    for (std::int64_t& value : x) value = f.product(value, value);
    f.expect_exact(a, x, 5, "power");
  }
}

INSTANTIATE_TEST_SUITE_P(Parameters, Bgv, ::testing::Values("small", "short t", "bgv-8192", "bgv-16384"),
                         [](const auto& tested) {
                           std::string name(tested.param);
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == ' '; }, '_');
                           return name;
                         });

TEST(BgvErrors, SayWhatDoesNotFit) {
  Fixture f(small_context()), other(small_context(3));
  std::mt19937_64 random(5);
  const Slots x = f.random_slots(random);
  const Ciphertext a = f.encrypted(x), foreign = other.encrypted(x);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(add(a, foreign)).find("different contexts"), std::string::npos);
  EXPECT_NE(detail(add(a, *lower_to(a, 2))).find("lower_to"), std::string::npos);
  EXPECT_NE(detail(add(*rescale(*lower_to(a, 3)), *lower_to(a, 2))).find("factors"), std::string::npos);
  EXPECT_NE(detail(multiply(*multiply(a, a), a)).find("relinearise"), std::string::npos);
  EXPECT_NE(detail(relinearize(a, *f.relinearization)).find("not relinearised"), std::string::npos);
  EXPECT_NE(detail(relinearize(*multiply(a, a), *other.relinearization)).find("another ring"), std::string::npos);
  EXPECT_NE(detail(rotate(a, 2, f.rotations)).find("generate it"), std::string::npos);
  EXPECT_NE(detail(rescale(*lower_to(a, 0))).find("no level is left"), std::string::npos);
  EXPECT_NE(detail(lower_to(a, 5)).find("not between"), std::string::npos);
  EXPECT_NE(detail(decrypt(*other.secret, a)).find("another ring"), std::string::npos);
  const Ciphertext low = *lower_to(a, 0);
  EXPECT_NE(detail(multiply(low, low)).find("might not decrypt"), std::string::npos);
  EXPECT_NE(detail(multiply(low, low, *f.relinearization)).find("no level is left"), std::string::npos);
  EXPECT_NE(detail(lower_to(*multiply(a, a), 0)).find("rescale it first"), std::string::npos);
  for (const auto& transparent : {subtract(a, a), multiply(a, 0), multiply(a, f.t()), multiply(a, encode(f.context, Slots(1)).value())}) {
    EXPECT_NE(detail(transparent).find("hides nothing"), std::string::npos);
  }
}

TEST(BgvErrors, KeysForLowerLevelsServeThoseAlone) {
  Fixture f(small_context());
  crypto::Csprng keys = fixed_random(9);
  const rlwe::KeySwitchKey key = generate_relinearization_key(*f.context, *f.secret, 2, keys);
  std::mt19937_64 random(9);
  const Slots x = f.random_slots(random);
  const Ciphertext a = f.encrypted(x);
  EXPECT_FALSE(multiply(a, a, key).ok());
  const Ciphertext low = *lower_to(a, 2);
  Slots expected = x;
  for (std::int64_t& value : expected) value = f.product(value, value);
  f.expect_exact(multiply(low, low, key), expected, 5, "square under a truncated key");
}

TEST(BgvParameters, NamedSetsAreSecureAndBadOnesAreRefused) {
  for (const NamedParameters& set : named_parameters()) {
    const auto context = Context::create(set.name);
    ASSERT_TRUE(context.ok()) << set.name << ": " << context.error().message();
  }
  EXPECT_FALSE(Context::create("bgv-none").ok());
  EXPECT_FALSE(Context::create({.log_degree = 12, .t = 40961, .levels = 4}).ok());                    // not secure
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 65539, .levels = 2}).ok());                    // not 1 mod 2N
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .levels = 2, .limb_bits = 30}).ok());  // errors would grow
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .levels = 64}).ok());
}

}  // namespace
}  // namespace blindproof::fhe::bgv

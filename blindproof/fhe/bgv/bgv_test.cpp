// Encrypted integers against plain ones, and measured phases against predicted ones.
#include "blindproof/fhe/bgv/bgv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>

#include "blindproof/fhe/bgv/fixture_test_support.h"
#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/statistics_test_support.h"

namespace blindproof::fhe::bgv {
namespace {

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
  Slots sums(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < 8; ++j) sums[i] = f.reduced(sums[i] + x[i / row * row + (i + j) % row]);
  }
  f.expect_exact(sum_slots(a, 8, f.rotations), sums, 6, "sum of slots");
  f.expect_exact(sum_slots(a, 1, f.rotations), x, 3, "sum of one slot");
  EXPECT_EQ(rotate(a, 0, f.rotations)->deviation(), a.deviation());  // no key switch
}

TEST_P(Bgv, InnerProductsAreSumsOfProducts) {
  Fixture& f = fixture();
  std::mt19937_64 random(7);
  std::vector<Ciphertext> a, b;
  std::vector<Plaintext> p;
  Slots expected(f.context->slots().slots());
  for (int k = 0; k < 5; ++k) {
    const Slots x = f.random_slots(random), y = f.random_slots(random);
    a.push_back(f.encrypted(x));
    b.push_back(f.encrypted(y));
    p.push_back(encode(f.context, y).value());
    for (std::size_t i = 0; i < x.size(); ++i) expected[i] = f.reduced(expected[i] + f.product(x[i], y[i]));
    if (k == 1) continue;  // of one, three, four and five pairs
    f.expect_exact(inner_product(a, b, *f.relinearization), expected, 7, "ciphertexts");
    f.expect_exact(inner_product(a, p), expected, 7, "plaintexts");
  }
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(inner_product(a, std::span(b).first(4), *f.relinearization)).find("5 and 4"), std::string::npos);
  EXPECT_NE(detail(inner_product({}, std::span<const Plaintext>())).find("0 and 0"), std::string::npos);
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
    f.expect_exact(a, x, 6, "power");
  }
}

INSTANTIATE_TEST_SUITE_P(Parameters, Bgv, ::testing::Values("small", "short t", "bgv-8192", "bgv-16384", "bgv-8192-t30", "bgv-16384-t30",
                                           "bgv-32768-t30", "bgv-16384-192", "bgv-32768-256"),
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
  EXPECT_NE(detail(rotate(a, 5, f.rotations)).find("generate it"), std::string::npos);
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

TEST(BgvSanitizing, LeavesNothingButTheMessage) {
  Fixture f(small_context());
  std::mt19937_64 random(10);
  const Slots x = f.random_slots(random), factor = f.random_slots(random);
  Slots product(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) product[i] = f.product(x[i], factor[i]);
  // Two circuits with one result.
  const Ciphertext direct = f.encrypted(product), computed = *multiply(f.encrypted(x), encode(f.context, factor).value());
  EXPECT_FALSE(rlwe::look_alike(f.phase(direct), f.phase(computed)));
  const Ciphertext a = *sanitize(direct, *f.public_key, 40, f.random), b = *sanitize(computed, *f.public_key, 40, f.random);
  f.expect_exact(a, product, 4, "sanitised");
  f.expect_exact(b, product, 4, "sanitised");
  const auto shape = [&](const Ciphertext& ciphertext, double deviation) {
    std::vector<double> result = f.phase(ciphertext);
    const double t = static_cast<double>(f.t());
    const double bound = kTail * std::hypot(deviation / t, rlwe::fresh_public_key_noise(*f.context->ring()));
    const double width = t * std::ldexp(1.0, rlwe::uniform_flood("test", bound + 0.5, 40)->bits);
    for (double& c : result) c /= width;
    return result;
  };
  EXPECT_TRUE(rlwe::look_alike(shape(a, direct.deviation()), shape(b, computed.deviation())));
  // A prediction that is too low makes the flood too short: the same comparison notices.
  const Ciphertext dishonest(f.context, computed.level(), computed.factor(), computed.parts(), direct.deviation() / 4096, 1);
  EXPECT_FALSE(rlwe::look_alike(f.phase(*sanitize(dishonest, *f.public_key, 1, f.random)),
                                f.phase(*sanitize(direct, *f.public_key, 1, f.random))));
  for (const std::size_t part : {0u, 1u}) {
    EXPECT_NE(rlwe::centered_coefficients(a.parts()[part]), rlwe::centered_coefficients(direct.parts()[part]));
    EXPECT_NE(rlwe::centered_coefficients(sanitize(direct, *f.public_key, 40, f.random)->parts()[part]),
              rlwe::centered_coefficients(a.parts()[part]));
  }
  // Lower levels have less room.
  f.expect_exact(sanitize(*lower_to(direct, 2), *f.public_key, 40, f.random), product, 4, "sanitised at a lower level");
}

TEST(BgvSanitizing, RefusesWhatWouldNotDecrypt) {
  Fixture f(small_context()), other(small_context(3));
  std::mt19937_64 random(11);
  const Ciphertext a = f.encrypted(f.random_slots(random));
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(sanitize(*multiply(a, a), *f.public_key, 10, f.random)).find("relinearise"), std::string::npos);
  EXPECT_NE(detail(sanitize(a, *other.public_key, 10, f.random)).find("another ring"), std::string::npos);
  EXPECT_NE(detail(sanitize(*lower_to(a, 0), *f.public_key, 40, f.random)).find("might not decrypt"), std::string::npos);
}

class BgvNamedSet : public ::testing::TestWithParam<NamedParameters> {};

TEST_P(BgvNamedSet, KeepsWhatItsPurposePromises) {
  const NamedParameters& set = GetParam();
  const auto context = Context::create(set.name);
  ASSERT_TRUE(context.ok()) << context.error().message();
  Fixture f(*context, {1});
  std::mt19937_64 random(20);
  Slots x = f.random_slots(random);
  Ciphertext a = f.encrypted(x);
  const std::string purpose(set.purpose);
  EXPECT_EQ(std::stoi(purpose), static_cast<int>(std::bit_width(set.parameters.t)));
  EXPECT_EQ(std::stoi(purpose.substr(purpose.find(", ") + 2)), set.parameters.levels);
  while (a.level() > 0) {
    if (a.level() == 1) {
      const Ciphertext flooded = sanitize(a, *f.public_key, 40, f.random).value();
      EXPECT_EQ(decode(decrypt(*f.secret, flooded).value()), x);
    }
    a = multiply(a, a, *f.relinearization).value();
    for (std::int64_t& value : x) value = f.product(value, value);
  }
  EXPECT_EQ(decode(decrypt(*f.secret, a).value()), x);
}

INSTANTIATE_TEST_SUITE_P(Shipped, BgvNamedSet, ::testing::ValuesIn(named_parameters().begin(), named_parameters().end()),
                         [](const auto& tested) {
                           std::string name(tested.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(BgvParameters, BadOnesAreRefused) {
  EXPECT_FALSE(Context::create("bgv-none").ok());
  EXPECT_FALSE(Context::create({.log_degree = 12, .t = 40961, .levels = 4}).ok());                    // not secure
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 65539, .levels = 2}).ok());                    // not 1 mod 2N
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .levels = 2, .limb_bits = 30}).ok());  // errors would grow
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .levels = 64}).ok());
}

}  // namespace
}  // namespace blindproof::fhe::bgv

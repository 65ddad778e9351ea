// Encrypted integers against plain ones, and measured errors against predicted ones.
#include "blindproof/fhe/bfv/bfv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>

#include "blindproof/fhe/bfv/fixture_test_support.h"
#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/statistics_test_support.h"

namespace blindproof::fhe::bfv {
namespace {

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
  const auto product = [&](std::int64_t u, std::int64_t v) { return f.product(u, v); };
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
  Slots sums(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < 8; ++j) sums[i] = f.reduced(sums[i] + x[i / row * row + (i + j) % row]);
  }
  f.expect_exact(sum_slots(a, 8, f.rotations), sums, 6, "sum of slots");
  f.expect_exact(sum_slots(a, 1, f.rotations), x, 3, "sum of one slot");
  EXPECT_EQ(rotate(a, 0, f.rotations)->noise(), a.noise());  // no key switch
}

TEST_P(Bfv, InnerProductsAreSumsOfProducts) {
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

TEST_P(Bfv, RandomCircuitsAreExactAsLongAsTheyArePredictedToBe) {
  Fixture& f = fixture();
  std::mt19937_64 random(8);
  struct Value {
    Ciphertext encrypted;
    Slots plain;
  };
  std::vector<Value> values;
  for (int i = 0; i < 3; ++i) {
    const Slots x = f.random_slots(random);
    values.push_back({f.encrypted(x), x});
  }
  for (int round = 0; round < 4; ++round) {
    std::vector<Value> next;
    for (int i = 0; i < 3; ++i) {
      const Value& a = values[random() % 3];
      const Value& b = values[random() % 3];
      Slots plain(a.plain.size());
      base::Result<Ciphertext> made = a.encrypted;
      switch (random() % 4) {
        case 0:
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = f.product(a.plain[j], b.plain[j]);
          made = multiply(a.encrypted, b.encrypted, *f.relinearization);
          break;
        case 1:
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = f.reduced(a.plain[j] + b.plain[j]);
          made = add(a.encrypted, b.encrypted);
          break;
        case 2: {
          const Slots factor = f.random_slots(random);
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = f.product(a.plain[j], factor[j]);
          made = multiply(a.encrypted, encode(f.context, factor).value());
          break;
        }
        default: {
          const std::size_t row = plain.size() / 2;
          for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = a.plain[j / row * row + (j + 8) % row];
          made = rotate(a.encrypted, 8, f.rotations);
        }
      }
      next.push_back(made.ok() ? Value{*made, plain} : a);
    }
    values = std::move(next);
  }
  for (const Value& value : values) f.expect_exact(value.encrypted, value.plain, 8, "circuit");
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

INSTANTIATE_TEST_SUITE_P(Parameters, Bfv, ::testing::Values("small", "short limbs", "long t", "bfv-8192", "bfv-16384", "bfv-8192-t30",
                                           "bfv-16384-t30", "bfv-16384-192", "bfv-16384-256"),
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
  EXPECT_NE(detail(rotate(a, 5, f.rotations)).find("generate it"), std::string::npos);
  EXPECT_NE(detail(decrypt(*other.secret, a)).find("another ring"), std::string::npos);
  for (const auto& transparent : {subtract(a, a), multiply(a, 0), multiply(a, f.t()), multiply(a, encode(f.context, Slots(1)).value())}) {
    EXPECT_NE(detail(transparent).find("hides nothing"), std::string::npos);
  }
}

TEST(BfvSanitizing, LeavesNothingButTheMessage) {
  Fixture f(small_context());
  std::mt19937_64 random(10);
  const Slots x = f.random_slots(random), factor = f.random_slots(random);
  Slots product(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    product[i] = f.product(x[i], factor[i]);
  }
  const Plaintext message = encode(f.context, product).value();
  // Two circuits with one result.
  const Ciphertext direct = f.encrypted(product), computed = *multiply(f.encrypted(x), encode(f.context, factor).value());
  EXPECT_FALSE(rlwe::look_alike(f.errors(direct, message), f.errors(computed, message)));
  const Ciphertext a = *sanitize(direct, *f.public_key, 40, f.random), b = *sanitize(computed, *f.public_key, 40, f.random);
  f.expect_exact(a, product, 4, "sanitised");
  f.expect_exact(b, product, 4, "sanitised");
  // The flood's length tells of the prediction alone; its shape tells nothing.
  const auto shape = [&](const Ciphertext& ciphertext, double noise) {
    std::vector<double> errors = f.errors(ciphertext, message);
    const double bound = kTail * std::hypot(noise, rlwe::fresh_public_key_noise(*f.context->ring()));
    const double width = std::ldexp(1.0, rlwe::uniform_flood("test", bound, 40)->bits);
    for (double& error : errors) error /= width;
    return errors;
  };
  EXPECT_TRUE(rlwe::look_alike(shape(a, direct.noise()), shape(b, computed.noise())));
  for (const double error : shape(b, computed.noise())) EXPECT_LE(std::abs(error), 0.5 + std::exp2(-40));
  // A prediction that is too low makes the flood too short: the same comparison notices.
  const Ciphertext dishonest(f.context, computed.parts(), direct.noise() / 4096, 1);
  const Ciphertext c = *sanitize(dishonest, *f.public_key, 1, f.random);
  const Ciphertext d = *sanitize(direct, *f.public_key, 1, f.random);
  EXPECT_FALSE(rlwe::look_alike(f.errors(c, message), f.errors(d, message)));
  // Neither part stays, and no two results are alike.
  for (const std::size_t part : {0u, 1u}) {
    EXPECT_NE(rlwe::centered_coefficients(a.parts()[part]), rlwe::centered_coefficients(direct.parts()[part]));
    EXPECT_NE(rlwe::centered_coefficients(sanitize(direct, *f.public_key, 40, f.random)->parts()[part]),
              rlwe::centered_coefficients(a.parts()[part]));
  }
}

TEST(BfvSanitizing, RefusesWhatWouldNotDecrypt) {
  Fixture f(small_context()), other(small_context(3));
  std::mt19937_64 random(11);
  const Ciphertext a = f.encrypted(f.random_slots(random));
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(sanitize(*multiply(a, a), *f.public_key, 10, f.random)).find("relinearise"), std::string::npos);
  EXPECT_NE(detail(sanitize(a, *other.public_key, 10, f.random)).find("another ring"), std::string::npos);
  EXPECT_NE(detail(sanitize(a, *f.public_key, 0, f.random)).find("at least 1 bit"), std::string::npos);
  Fixture narrow(small_context(2));
  EXPECT_TRUE(sanitize(narrow.encrypted(Slots{1}), *narrow.public_key, 40, narrow.random).ok());
  EXPECT_NE(detail(sanitize(narrow.encrypted(Slots{1}), *narrow.public_key, 80, narrow.random)).find("might not decrypt"),
            std::string::npos);
  const Ciphertext unknown(f.context, a.parts(), INFINITY, 1);
  EXPECT_NE(detail(sanitize(unknown, *f.public_key, 10, f.random)).find("state a bound"), std::string::npos);
}

class BfvNamedSet : public ::testing::TestWithParam<NamedParameters> {};

TEST_P(BfvNamedSet, KeepsWhatItsPurposePromises) {
  const NamedParameters& set = GetParam();
  const auto context = Context::create(set.name);
  ASSERT_TRUE(context.ok()) << context.error().message();
  Fixture f(*context, {1});
  std::mt19937_64 random(20);
  Slots x = f.random_slots(random);
  Ciphertext a = f.encrypted(x);
  const std::string purpose(set.purpose);
  EXPECT_EQ(std::stoi(purpose), static_cast<int>(std::bit_width(set.parameters.t)));
  for (int depth = std::stoi(purpose.substr(purpose.find(", ") + 2)); depth > 0; --depth) {
    a = multiply(a, a, *f.relinearization).value();
    for (std::int64_t& value : x) value = f.product(value, value);
  }
  a = sanitize(a, *f.public_key, 40, f.random).value();
  EXPECT_EQ(decode(decrypt(*f.secret, a).value()), x);
}

INSTANTIATE_TEST_SUITE_P(Shipped, BfvNamedSet, ::testing::ValuesIn(named_parameters().begin(), named_parameters().end()),
                         [](const auto& tested) {
                           std::string name(tested.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(BfvParameters, BadOnesAreRefused) {
  EXPECT_FALSE(Context::create("bfv-none").ok());
  EXPECT_FALSE(Context::create({.log_degree = 12, .t = 65537, .limbs = 3}).ok());                      // not secure
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 65539, .limbs = 2}).ok());                      // not 1 mod 2N
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .limbs = 1, .limb_bits = 30}).ok());   // no room
  EXPECT_FALSE(Context::create({.log_degree = 13, .t = 1032193, .limbs = 16}).ok());
}

}  // namespace
}  // namespace blindproof::fhe::bfv

// Encrypted arithmetic against plain arithmetic, and measured errors against predicted ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "blindproof/base/thread_pool.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/fhe/ckks/fixture_test_support.h"

namespace blindproof::fhe::ckks {
namespace {

TEST(Encoder, DecodesWhatItEncodes) {
  std::mt19937_64 random(1);
  for (const int log_degree : {6, 8, 12}) {
    const ContextPtr context = small_context(log_degree);
    const Encoder encoder(context);
    for (int level = 0; level <= context->top_level(); ++level) {
      const Slots values = random_slots(context->slots(), random);
      const auto plaintext = encoder.encode(values, level);
      ASSERT_TRUE(plaintext.ok());
      const double difference = largest_difference(encoder.decode(*plaintext), values);
      EXPECT_LE(difference, plaintext->error_bound());
      EXPECT_GT(difference, 0);
    }
  }
}

TEST(Encoder, LongScalesAndSmallValuesSurvive) {
  const ContextPtr context = small_context();
  const Encoder encoder(context);
  std::mt19937_64 random(2);
  for (const double scale : {1.0, std::ldexp(1.0, 60), std::ldexp(1.0, 90), std::ldexp(1.0, 150), 12345.678}) {
    const Slots values = random_slots(context->slots(), random, 1000);
    const auto plaintext = encoder.encode(values, context->top_level(), scale);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_LE(largest_difference(encoder.decode(*plaintext), values),
              plaintext->error_bound() + 1000 * std::exp2(-44)) << scale;
  }
}

TEST(Encoder, RefusesWhatDoesNotFit) {
  const ContextPtr context = small_context();
  const Encoder encoder(context);
  const auto code = [](const auto& result) { return result.ok() ? "ok" : base::error_code_name(result.error().code); };
  EXPECT_EQ(code(encoder.encode(Slots(context->slots() + 1), 0)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots(1), -1)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots(1), context->top_level() + 1)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots{Complex(NAN, 0)}, 0)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots{Complex(0, INFINITY)}, 0)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots(context->slots(), Complex(2000, 0)), 0)), "invalid-argument");
  EXPECT_EQ(code(encoder.encode(Slots(1), 0, 0.5)), "invalid-argument");
}

class Ckks : public ::testing::TestWithParam<std::string_view> {
 protected:
  static Fixture& fixture() {
    static std::map<std::string_view, std::unique_ptr<Fixture>> fixtures;
    std::unique_ptr<Fixture>& made = fixtures[GetParam()];
    if (made == nullptr) {
      made = std::make_unique<Fixture>(GetParam() == "small" ? small_context()
                                       : GetParam() == "one digit"
                                           ? small_context(7, 3, 1)
                                           : Context::create(GetParam()).value());
    }
    return *made;
  }
};

TEST_P(Ckks, EncryptionsDecrypt) {
  Fixture& f = fixture();
  std::mt19937_64 random(3);
  for (const int level : {0, f.context->top_level()}) {
    const Slots values = random_slots(f.context->slots(), random);
    f.expect_close(f.encrypted(values, level), values, 4, "public key");
    const auto plaintext = f.encoder.encode(values, level);
    f.expect_close(encrypt(*f.secret, *plaintext, f.random), values, 4, "secret key");
  }
}

TEST_P(Ckks, SumsAndProductsAreThoseOfTheSlots) {
  Fixture& f = fixture();
  std::mt19937_64 random(4);
  const int top = f.context->top_level();
  const Slots x = random_slots(f.context->slots(), random), y = random_slots(f.context->slots(), random);
  const Ciphertext a = f.encrypted(x, top), b = f.encrypted(y, top);
  const auto p = f.encoder.encode(y, top);
  Slots sum(x.size()), difference(x.size()), product(x.size()), scaled(x.size()), squared(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum[i] = x[i] + y[i];
    difference[i] = x[i] - y[i];
    product[i] = x[i] * y[i];
    squared[i] = x[i] * x[i];
    scaled[i] = -0.375 * x[i];
  }
  f.expect_close(*add(a, b), sum, 5, "sum");
  f.expect_close(*subtract(a, b), difference, 5, "difference");
  f.expect_close(*add(a, *p), sum, 5, "sum with plaintext");
  f.expect_close(*subtract(a, *p), difference, 5, "difference with plaintext");
  f.expect_close(*multiply(a, b), product, 5, "product, not relinearised");
  f.expect_close(*relinearize(*multiply(a, b), *f.relinearization), product, 5, "product, relinearised");
  f.expect_close(*rescale(*relinearize(*multiply(a, b), *f.relinearization)), product, 5, "product, rescaled");
  f.expect_close(*multiply(a, b, *f.relinearization), product, 5, "product in one pass");
  f.expect_close(*rescale(*multiply(a, *p)), product, 5, "product with plaintext");
  f.expect_close(*rescale(*multiply(a, -0.375)), scaled, 6, "product with a constant");
  f.expect_close(*relinearize_and_rescale(*square(a), *f.relinearization), squared, 5, "square");
  Slots negative = x;
  for (Complex& z : negative) z = -z;
  f.expect_close(negate(a), negative, 4, "negation");
}

TEST_P(Ckks, RotationsAndConjugation) {
  Fixture& f = fixture();
  std::mt19937_64 random(5);
  const std::size_t n = f.context->slots();
  const Slots x = random_slots(n, random);
  for (const int level : {f.context->top_level(), 1, 0}) {
    const Ciphertext a = f.encrypted(x, level);
    const std::vector<std::int64_t> steps{1, -3, 16, 0};
    const auto hoisted = rotate_hoisted(a, steps, f.rotations);
    ASSERT_TRUE(hoisted.ok());
    for (std::size_t k = 0; k < steps.size(); ++k) {
      Slots rotated(n), conjugated(n);
      for (std::size_t i = 0; i < n; ++i) {
        rotated[i] = x[(i + n + static_cast<std::size_t>(steps[k])) % n];
        conjugated[i] = std::conj(x[i]);
      }
      f.expect_close(*rotate(a, steps[k], f.rotations), rotated, 5, "rotation");
      f.expect_close((*hoisted)[k], rotated, 5, "hoisted rotation");
      f.expect_close(*conjugate(a, f.rotations), conjugated, 5, "conjugation");
    }
    Slots sums(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < 8; ++j) sums[i] += x[(i + j) % n];
    }
    f.expect_close(*sum_slots(a, 8, f.rotations), sums, 5, "sum of slots");
  }
}

INSTANTIATE_TEST_SUITE_P(Parameters, Ckks, ::testing::Values("small", "one digit", "ckks-8192-2", "ckks-16384-5"),
                         [](const auto& tested) {
                           std::string name(tested.param);
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == ' '; }, '_');
                           return name;
                         });

double largest(const Slots& slots) {
  double result = 0;
  for (const Complex& z : slots) result = std::max(result, std::abs(z));
  return result;
}

class CkksCircuits : public ::testing::TestWithParam<std::string_view> {};

// Up to three bits are the tail, which the largest of N/2 errors doesn't reach; the others are summands that are
// independent, and products where the largest slots of the factors don't meet.
TEST_P(CkksCircuits, StayWithinTheirPredictionAndNotFarFromIt) {
  Fixture f(GetParam() == "small" ? small_context() : Context::create(GetParam()).value(), {4});
  std::mt19937_64 random(6);
  for (int trial = 0; trial < (f.context->slots() > 4096 ? 1 : 4); ++trial) {
    struct Value {
      Ciphertext encrypted;
      Slots plain;
    };
    std::vector<Value> values;
    for (int i = 0; i < 3; ++i) {
      const Slots x = random_slots(f.context->slots(), random);
      values.push_back({f.encrypted(x, f.context->top_level()), x});
    }
    for (int level = f.context->top_level(); level > 0; --level) {
      std::vector<Value> next;
      for (int i = 0; i < 3; ++i) {
        const Value& a = values[random() % 3];
        const Value& b = values[random() % 3];
        Slots plain(a.plain.size());
        switch (random() % 4) {
          case 0: {
            for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = a.plain[j] * b.plain[j];
            next.push_back({*multiply(a.encrypted, b.encrypted, *f.relinearization), plain});
            break;
          }
          case 1: {
            for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = a.plain[j] + b.plain[j];
            next.push_back({*lower_to(*add(a.encrypted, b.encrypted), level - 1), plain});
            break;
          }
          case 2: {
            for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = a.plain[(j + 4) % plain.size()];
            next.push_back({*lower_to(*rotate(a.encrypted, 4, f.rotations), level - 1), plain});
            break;
          }
          default: {
            for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = 0.5 * a.plain[j];
            next.push_back({*rescale(*multiply(a.encrypted, 0.5)), plain});
          }
        }
        next.back().encrypted = bounded(next.back().encrypted, largest(next.back().plain));
        EXPECT_EQ(next.back().encrypted.level(), level - 1);
        EXPECT_EQ(next.back().encrypted.scale(), f.context->scale(level - 1));
      }
      values = std::move(next);
    }
    for (const Value& value : values) f.expect_close(value.encrypted, value.plain, 6, "circuit");
  }
}

INSTANTIATE_TEST_SUITE_P(Families, CkksCircuits,
                         ::testing::Values("small", "ckks-4096-1", "ckks-8192-2", "ckks-8192-3", "ckks-16384-5", "ckks-16384-7",
                                           "ckks-32768-12", "ckks-16384-4-192", "ckks-32768-8-192", "ckks-16384-3-256",
                                           "ckks-32768-7-256", "ckks-65536-16-256"),
                         [](const auto& tested) {
                           std::string name(tested.param);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(CkksEvaluator, SaysWhatDoesNotFit) {
  Fixture f(small_context());
  std::mt19937_64 random(7);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext high = f.encrypted(x, 4), low = f.encrypted(x, 3), last = f.encrypted(x, 0);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(add(high, low)).find("lower_to"), std::string::npos);
  EXPECT_NE(detail(add(high, *multiply(high, 1.0))).find("scales"), std::string::npos);
  EXPECT_NE(detail(multiply(*multiply(high, high), high)).find("relinearise"), std::string::npos);
  EXPECT_NE(detail(relinearize(high, *f.relinearization)).find("not relinearised"), std::string::npos);
  EXPECT_NE(detail(rescale(last)).find("no level is left"), std::string::npos);
  EXPECT_NE(detail(rotate(high, 5, f.rotations)).find("generate it"), std::string::npos);
  EXPECT_NE(detail(lower_to(low, 4)).find("not between"), std::string::npos);
  EXPECT_NE(detail(lower_to(*multiply(high, 1.0), 2)).find("rescale it first"), std::string::npos);
  EXPECT_NE(detail(sum_slots(high, 3, f.rotations)).find("power of two"), std::string::npos);
  for (const auto& transparent : {subtract(high, high), multiply(high, 0.0), multiply(high, *f.encoder.encode(Slots(1), 4))}) {
    EXPECT_NE(detail(transparent).find("hides nothing"), std::string::npos);
  }
  Fixture other(small_context(8, 3));
  EXPECT_NE(detail(add(high, other.encrypted(x, 3))).find("contexts"), std::string::npos);
  EXPECT_NE(detail(decrypt(*other.secret, high)).find("another ring"), std::string::npos);
  EXPECT_NE(detail(relinearize(*multiply(high, high), *other.relinearization)).find("another ring"), std::string::npos);
}

TEST(CkksEvaluator, LazySumsOfProductsRelinearizeOnce) {
  Fixture f(small_context());
  std::mt19937_64 random(8);
  const Slots x = random_slots(f.context->slots(), random), y = random_slots(f.context->slots(), random);
  const Ciphertext a = f.encrypted(x, 4), b = f.encrypted(y, 4);
  Slots expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = x[i] * y[i] + x[i] * x[i];
  const auto sum = add(*multiply(a, b), *square(a));
  f.expect_close(*relinearize_and_rescale(*sum, *f.relinearization), expected, 5, "sum of products");
}

TEST(CkksEvaluator, InnerProductsAreSumsOfProducts) {
  Fixture f(small_context());
  std::mt19937_64 random(12);
  std::vector<Ciphertext> a, b;
  std::vector<Plaintext> p;
  Slots expected(f.context->slots());
  for (int k = 0; k < 5; ++k) {
    const Slots x = random_slots(expected.size(), random), y = random_slots(expected.size(), random);
    a.push_back(f.encrypted(x, 3));
    b.push_back(f.encrypted(y, 3));
    p.push_back(*f.encoder.encode(y, 3));
    for (std::size_t i = 0; i < x.size(); ++i) expected[i] += x[i] * y[i];
    f.expect_close(*inner_product(a, b, *f.relinearization), expected, 8, "ciphertexts");
    f.expect_close(*rescale(*inner_product(a, p)), expected, 8, "plaintexts");
  }
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(inner_product(a, std::span(b).first(4), *f.relinearization)).find("5 and 4"), std::string::npos);
  EXPECT_NE(detail(inner_product({}, std::span<const Plaintext>())).find("0 and 0"), std::string::npos);
  b[2] = *lower_to(b[2], 2);
  EXPECT_NE(detail(inner_product(a, b, *f.relinearization)).find("lower_to"), std::string::npos);
}

// After a sum over all slots their errors are equal: further sums add them, not their variances.
TEST(CkksEvaluator, SumsOfEqualErrorsArePredicted) {
  Fixture f(small_context(), {1, 2, 4, 8, 16, 32, 64});
  std::mt19937_64 random(14);
  const Slots x = random_slots(f.context->slots(), random);
  Complex total = 0;
  for (const Complex& z : x) total += z;
  const std::size_t n = f.context->slots();
  const Ciphertext all = *sum_slots(f.encrypted(x, 3), n, f.rotations);
  f.expect_close(all, Slots(n, total), 5, "sum of all slots");
  f.expect_close(*sum_slots(all, n, f.rotations), Slots(n, total * static_cast<double>(n)), 6, "sum of equal slots");
}

TEST(CkksEvaluator, IntegersMultiplyExactly) {
  Fixture f(small_context());
  std::mt19937_64 random(13);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext a = f.encrypted(x, 3);
  for (const std::int64_t integer : {std::int64_t{1}, std::int64_t{-5}, std::int64_t{1} << 20}) {
    Slots expected = x;
    for (Complex& z : expected) z *= static_cast<double>(integer);
    const Ciphertext product = *multiply_integer(a, integer);
    EXPECT_EQ(product.scale(), a.scale());
    f.expect_close(product, expected, 4, "integer multiple");
  }
  EXPECT_FALSE(multiply_integer(a, 0).ok());
  EXPECT_EQ(rotate(a, 0, f.rotations)->prediction().noise, a.prediction().noise);  // no key switch
}

TEST(CkksEvaluator, KeysForLowerLevelsServeThoseAlone) {
  Fixture f(small_context());
  crypto::Csprng random = fixed_random(9);
  const rlwe::KeySwitchKey key = generate_relinearization_key(*f.context, *f.secret, 2, random);
  std::mt19937_64 values(9);
  const Slots x = random_slots(f.context->slots(), values);
  const Ciphertext low = f.encrypted(x, 2), high = f.encrypted(x, 3);
  EXPECT_FALSE(multiply(high, high, key).ok());
  Slots expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = x[i] * x[i];
  f.expect_close(*multiply(low, low, key), expected, 5, "square under a truncated key");
}

TEST(CkksEvaluator, EveryKernelSetAndNumberOfThreadsGivesTheSameCiphertext) {
  const ContextPtr context = small_context(10, 3, 2);
  std::vector<std::vector<std::uint64_t>> results;
  const std::size_t usual = base::thread_count();
  std::vector<std::pair<base::Simd, std::size_t>> ways;
  for (const base::Simd level : field::available_kernel_sets()) {
    for (const std::size_t threads : {1u, 3u}) ways.emplace_back(level, threads);
  }
  for (const auto& [level, threads] : ways) {
    const field::ScopedKernelSet scope(level);
    base::set_thread_count(threads);
    Fixture f(context);
    std::mt19937_64 random(10);
    const Slots x = random_slots(context->slots(), random);
    const Ciphertext a = f.encrypted(x, 3);
    const Ciphertext b = *rotate(*multiply(a, a, *f.relinearization), 2, f.rotations);
    std::vector<std::uint64_t>& words = results.emplace_back();
    for (const rlwe::NttPoly& part : b.parts()) {
      for (std::size_t i = 0; i < part.limbs(); ++i) words.insert(words.end(), part.limb(i).begin(), part.limb(i).end());
    }
  }
  base::set_thread_count(usual);
  for (const auto& words : results) EXPECT_EQ(words, results[0]);
}

class CkksNamedSet : public ::testing::TestWithParam<NamedParameters> {};

TEST_P(CkksNamedSet, MultipliesAndKeepsItsScale) {
  const NamedParameters& set = GetParam();
  const auto context = Context::create(set.name);
  ASSERT_TRUE(context.ok()) << context.error().message();
  EXPECT_EQ(std::stoi(std::string(set.purpose)), set.parameters.levels);
  const double target = std::ldexp(1.0, set.parameters.scale_bits);
  for (int level = 0; level <= (*context)->top_level(); ++level) {
    EXPECT_LT(std::abs((*context)->scale(level) / target - 1), 1e-3);
  }
  Fixture f(*context, {1});
  std::mt19937_64 random(20);
  const Slots x = random_slots((*context)->slots(), random), y = random_slots((*context)->slots(), random);
  const int top = (*context)->top_level();
  const Ciphertext a = f.encrypted(x, top), b = f.encrypted(y, top);
  Slots product(x.size()), rotated(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    product[i] = x[i] * y[i];
    rotated[i] = x[(i + 1) % x.size()];
  }
  f.expect_close(a, x, 4, "encryption");
  f.expect_close(*rotate(a, 1, f.rotations), rotated, 5, "rotation");
  f.expect_close(*multiply(a, b, *f.relinearization), product, 6, "product");
}

INSTANTIATE_TEST_SUITE_P(Shipped, CkksNamedSet, ::testing::ValuesIn(named_parameters().begin(), named_parameters().end()),
                         [](const auto& tested) {
                           std::string name(tested.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(CkksParameters, InsecureOnesAreRefusedAndSoAreUnknownNames) {
  const auto small = Context::create({.log_degree = 12, .scale_bits = 40, .levels = 5, .first_bits = 50});
  ASSERT_FALSE(small.ok());
  EXPECT_EQ(base::error_code_name(small.error().code), "invalid-argument");
  EXPECT_FALSE(Context::create("ckks-none").ok());
  EXPECT_FALSE(Context::create({.log_degree = 14, .scale_bits = 19, .levels = 1}).ok());
  EXPECT_FALSE(Context::create({.log_degree = 14, .scale_bits = 40, .levels = 64}).ok());
  EXPECT_FALSE(Context::create({.log_degree = 18, .scale_bits = 40, .levels = 1}).ok());
}

}  // namespace
}  // namespace blindproof::fhe::ckks

#include "blindproof/fhe/bfv/linear_transform.h"

#include "blindproof/fhe/bfv/fixture_test_support.h"

namespace blindproof::fhe::bfv {
namespace {

Slots times(const Fixture& f, const Diagonals& diagonals, const Slots& x) {
  const std::size_t row = x.size() / 2;
  Slots result(x.size());
  for (const auto& [d, values] : diagonals) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      result[i] = f.reduced(result[i] + f.product(values[i], x[i / row * row + (i + d) % row]));
    }
  }
  return result;
}

Diagonals random_diagonals(const Fixture& f, const std::vector<std::size_t>& numbers, std::mt19937_64& random) {
  Diagonals result;
  for (const std::size_t d : numbers) result[d] = f.random_slots(random);
  return result;
}

TEST(LinearTransform, IsTheMatrixTimesBothRows) {
  Fixture f(small_context(), {});
  std::mt19937_64 random(1);
  for (const std::vector<std::size_t>& numbers :
       {std::vector<std::size_t>{0}, {5}, {0, 1, 2, 3, 4, 5, 6, 7}, {1, 17, 33, 64, 255}, {250, 8, 16}}) {
    const Diagonals diagonals = random_diagonals(f, numbers, random);
    for (const std::size_t baby_steps : {0u, 1u, 4u, 256u, 5u}) {
      const auto transform = LinearTransform::create(f.context, diagonals, baby_steps);
      ASSERT_TRUE(transform.ok());
      Fixture g(f.context, transform->rotations());
      const Slots x = g.random_slots(random);
      const auto y = transform->apply(g.encrypted(x), g.rotations);
      g.expect_exact(y, times(g, diagonals, x), 6, "transformation");
    }
  }
}

// Constant diagonals add errors of the same coefficients: the prediction must not count them as independent.
TEST(LinearTransform, PredictsSumsOfDependentErrors) {
  Fixture f(small_context(), {});
  Diagonals diagonals;
  for (std::size_t d = 0; d < 256; ++d) diagonals[d] = Slots(512, 1);
  const auto transform = LinearTransform::create(f.context, diagonals);
  ASSERT_TRUE(transform.ok());
  Fixture g(f.context, transform->rotations());
  std::mt19937_64 random(2);
  const Slots x = g.random_slots(random);
  g.expect_exact(transform->apply(g.encrypted(x), g.rotations), times(g, diagonals, x), 6, "sum of a row");
}

TEST(LinearTransform, OfASmallMatrixOnAShippedParameterSet) {
  const ContextPtr context = Context::create("bfv-8192").value();
  std::vector<std::vector<std::int64_t>> matrix(20, std::vector<std::int64_t>(30));
  std::mt19937_64 random(3);
  for (auto& line : matrix) {
    for (std::int64_t& entry : line) entry = static_cast<std::int64_t>(random() % 201) - 100;
  }
  const auto transform = LinearTransform::create(context, diagonals_of(matrix, context->slots().slots()));
  ASSERT_TRUE(transform.ok());
  Fixture f(context, transform->rotations());
  const Slots x = f.random_slots(random);
  Slots expected(x.size());
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      std::int64_t& sum = expected[r * x.size() / 2 + i];
      for (std::size_t j = 0; j < matrix[i].size(); ++j) sum = f.reduced(sum + f.product(matrix[i][j], x[r * x.size() / 2 + j]));
    }
  }
  f.expect_exact(transform->apply(f.encrypted(x), f.rotations), expected, 7, "small matrix");
}

TEST(LinearTransform, SaysWhatDoesNotFit) {
  Fixture f(small_context());
  const ContextPtr& context = f.context;
  std::mt19937_64 random(4);
  const Diagonals diagonals = random_diagonals(f, {1, 5}, random);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(LinearTransform::create(context, {})).find("zero"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(context, diagonals, 257)).find("baby steps"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(context, {{256, Slots(512, 1)}})).find("numbered below"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(context, {{0, Slots(256, 1)}})).find("512 entries"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(context, {{0, Slots(512, 40000)}})).find("half of the plaintext modulus"), std::string::npos);
  const auto transform = LinearTransform::create(context, diagonals, 4);
  ASSERT_TRUE(transform.ok());
  const Slots x = f.random_slots(random);
  Fixture other(small_context(3)), without(context, {});
  EXPECT_NE(detail(transform->apply(other.encrypted(x), f.rotations)).find("another context"), std::string::npos);
  EXPECT_NE(detail(transform->apply(without.encrypted(x), without.rotations)).find("generate it"), std::string::npos);
  EXPECT_NE(detail(transform->apply(*multiply(f.encrypted(x), f.encrypted(x)), f.rotations)).find("relinearise"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::fhe::bfv

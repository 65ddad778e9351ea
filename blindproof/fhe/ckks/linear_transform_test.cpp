#include "blindproof/fhe/ckks/linear_transform.h"

#include "blindproof/fhe/ckks/fixture_test_support.h"

namespace blindproof::fhe::ckks {
namespace {

Slots times(const Diagonals& diagonals, const Slots& x) {
  Slots result(x.size());
  for (const auto& [d, values] : diagonals) {
    for (std::size_t i = 0; i < x.size(); ++i) result[i] += values[i] * x[(i + d) % x.size()];
  }
  return result;
}

Diagonals random_diagonals(std::size_t slots, std::span<const std::size_t> numbers, std::mt19937_64& random) {
  Diagonals result;
  for (const std::size_t d : numbers) result[d] = random_slots(slots, random);
  return result;
}

TEST(LinearTransform, IsTheMatrixTimesTheSlots) {
  const ContextPtr context = small_context(8, 3, 2);
  const std::size_t n = context->slots();
  std::mt19937_64 random(1);
  const std::vector<std::vector<std::size_t>> shapes{{0}, {5}, {0, 1, 2, 3, 4, 5, 6, 7}, {1, 17, 33, 64, 127}, {120, 8, 16}};
  for (const auto& numbers : shapes) {
    const Diagonals diagonals = random_diagonals(n, numbers, random);
    for (const std::size_t baby_steps : {0u, 1u, 4u, 128u, 5u}) {
      const auto transform = LinearTransform::create(Encoder(context), diagonals, 3, baby_steps);
      ASSERT_TRUE(transform.ok());
      Fixture f(context, transform->rotations());
      const Slots x = random_slots(n, random);
      const auto y = transform->apply(f.encrypted(x, 3), f.rotations);
      ASSERT_TRUE(y.ok()) << y.error().message();
      EXPECT_EQ(y->level(), 2);
      EXPECT_EQ(y->scale(), context->scale(2));
      f.expect_close(*y, times(diagonals, x), 6, "transformation");
    }
  }
}

TEST(LinearTransform, OfAFullMatrixAtALowerLevel) {
  const ContextPtr context = small_context(7, 3, 2);
  const std::size_t n = context->slots();
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<std::vector<double>> matrix(40, std::vector<double>(n));
  for (auto& row : matrix) {
    for (double& entry : row) entry = uniform(random);
  }
  const Diagonals diagonals = diagonals_of(matrix, n);
  const auto transform = LinearTransform::create(Encoder(context), diagonals, 2);
  ASSERT_TRUE(transform.ok());
  EXPECT_LT(transform->rotations().size(), 24u);  // of 64 diagonals
  Fixture f(context, transform->rotations());
  const Slots x = random_slots(n, random);
  Slots expected(n);
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    for (std::size_t j = 0; j < n; ++j) expected[i] += matrix[i][j] * x[j];
  }
  f.expect_close(*transform->apply(f.encrypted(x, 2), f.rotations), expected, 6, "full matrix");
}

TEST(LinearTransform, OnAShippedParameterSet) {
  const ContextPtr context = Context::create("ckks-8192-2").value();
  std::mt19937_64 random(3);
  const std::vector<std::size_t> numbers{0, 1, 2, 3, 64, 65, 66, 67, 4000};
  const Diagonals diagonals = random_diagonals(context->slots(), numbers, random);
  const auto transform = LinearTransform::create(Encoder(context), diagonals, 2);
  ASSERT_TRUE(transform.ok());
  Fixture f(context, transform->rotations());
  const Slots x = random_slots(context->slots(), random);
  f.expect_close(*transform->apply(f.encrypted(x, 2), f.rotations), times(diagonals, x), 6, "sparse matrix");
}

TEST(LinearTransform, SaysWhatDoesNotFit) {
  Fixture f(small_context());
  const std::size_t n = f.context->slots();
  std::mt19937_64 random(4);
  const Diagonals diagonals = random_diagonals(n, std::vector<std::size_t>{1, 5}, random);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(LinearTransform::create(f.encoder, {}, 2)).find("zero"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, diagonals, 0)).find("no level below"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, diagonals, 5)).find("doesn't exist"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, diagonals, 2, n + 1)).find("baby steps"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, {{n, Slots(n, 1.0)}}, 2)).find("numbered below"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, {{0, Slots(n - 1, 1.0)}}, 2)).find("entries"), std::string::npos);
  EXPECT_NE(detail(LinearTransform::create(f.encoder, {{0, Slots(n, NAN)}}, 2)).find("finite"), std::string::npos);
  const auto transform = LinearTransform::create(f.encoder, diagonals, 3, 4);
  ASSERT_TRUE(transform.ok());
  const Slots x = random_slots(n, random);
  EXPECT_NE(detail(transform->apply(f.encrypted(x, 4), f.rotations)).find("lower_to"), std::string::npos);
  EXPECT_NE(detail(transform->apply(*multiply(f.encrypted(x, 3), 1.0), f.rotations)).find("lower_to"), std::string::npos);
  Fixture other(small_context(8, 4));
  EXPECT_NE(detail(transform->apply(other.encrypted(x, 3), f.rotations)).find("another context"), std::string::npos);
  Fixture without(f.context, {});
  EXPECT_NE(detail(transform->apply(without.encrypted(x, 3), without.rotations)).find("generate it"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::fhe::ckks

#include "blindproof/fhe/rlwe/encrypted_matrix.h"

#include "blindproof/fhe/ckks/fixture_test_support.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::fhe::ckks {
namespace {

struct Matrix {
  std::vector<std::size_t> numbers;
  std::vector<Slots> diagonals;
};

Matrix random_matrix(std::vector<std::size_t> numbers, std::size_t slots, std::mt19937_64& random) {
  Matrix result{std::move(numbers), {}};
  for (std::size_t i = 0; i < result.numbers.size(); ++i) result.diagonals.push_back(random_slots(slots, random));
  return result;
}

Slots times(const Matrix& matrix, const Slots& x) {
  Slots result(x.size());
  for (std::size_t k = 0; k < matrix.numbers.size(); ++k) {
    for (std::size_t i = 0; i < x.size(); ++i) result[i] += matrix.diagonals[k][i] * x[(i + matrix.numbers[k]) % x.size()];
  }
  return result;
}

rlwe::EncryptedMatrix encrypted(Fixture& f, const Matrix& matrix, std::size_t baby_steps, int level) {
  rlwe::EncryptedMatrix result(baby_steps);
  for (std::size_t k = 0; k < matrix.numbers.size(); ++k) {
    const std::size_t giant = result.giant_of(matrix.numbers[k]);
    result.insert(matrix.numbers[k], f.encrypted(rlwe::rotated_right(matrix.diagonals[k], f.context->slots(), giant), level).parts());
  }
  return result;
}

Slots applied(Fixture& f, const rlwe::EncryptedMatrix& matrix, const Ciphertext& x) {
  auto sum = matrix.apply(x.parts(), *f.relinearization, f.rotations, 1);
  EXPECT_TRUE(sum.ok()) << sum.error().message();
  rlwe::Parts parts = rlwe::divide(*std::move(sum), f.context->ring()->drop_p_and_last(f.context->q_limbs(x.level())));
  return f.decrypted(Ciphertext(f.context, x.level() - 1, f.context->scale(x.level() - 1), std::move(parts), {1, 0, 0}));
}

// Also where a giant step has more products than the kernel takes at once.
TEST(EncryptedMatrix, IsTheMatrixTimesTheSlots) {
  std::mt19937_64 random(1);
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 1; step < 128; ++step) steps.push_back(step);
  Fixture f(small_context(8, 3, 2), steps);
  std::vector<std::size_t> all(128), most(65);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  for (std::size_t i = 0; i < most.size(); ++i) most[i] = i + 3;
  for (const auto& numbers : {std::vector<std::size_t>{0}, {5}, {0, 1, 2, 3, 17, 64, 127}, most, all}) {
    const Matrix matrix = random_matrix(numbers, 128, random);
    const Slots x = random_slots(128, random);
    for (const int level : {3, 1}) {
      const Ciphertext encrypted_x = f.encrypted(x, level);
      for (const std::size_t baby_steps : {1u, 5u, 16u, 128u}) {
        EXPECT_LT(largest_difference(applied(f, encrypted(f, matrix, baby_steps, level), encrypted_x), times(matrix, x)), 1e-5) << baby_steps;
      }
    }
  }
}

TEST(EncryptedMatrix, SaysWhichKeysAreMissing) {
  std::mt19937_64 random(2);
  Fixture f(small_context(8, 3, 2), {1, 4}), other(small_context(8, 3, 2), {1, 4});
  const Ciphertext x = f.encrypted(random_slots(128, random), 3);
  const auto code = [&](std::vector<std::size_t> numbers, Fixture& keys) {
    const auto matrix = encrypted(f, random_matrix(std::move(numbers), 128, random), 4, 3);
    const auto sum = matrix.apply(x.parts(), *keys.relinearization, keys.rotations, 1);
    return sum.ok() ? std::optional<base::ErrorCode>() : sum.error().code;
  };
  EXPECT_EQ(code({0, 1, 4, 5}, f), std::nullopt);
  EXPECT_EQ(code({0, 2}, f), base::ErrorCode::kInvalidArgument);  // a baby step
  EXPECT_EQ(code({0, 8}, f), base::ErrorCode::kInvalidArgument);  // a giant step
  EXPECT_EQ(code({0, 1}, other), base::ErrorCode::kMismatch);
  const auto matrix = encrypted(f, random_matrix({0}, 128, random), 4, 3);
  EXPECT_EQ(matrix.apply(multiply(x, x)->parts(), *f.relinearization, f.rotations, 1).error().code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::fhe::ckks

#include "blindproof/fhe/rlwe/security.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace blindproof::fhe::rlwe {
namespace {

constexpr SecurityLevel kLevels[] = {SecurityLevel::k128, SecurityLevel::k192, SecurityLevel::k256};

std::vector<std::uint64_t> powers_of_two(int total_bits) {
  std::vector<std::uint64_t> moduli;
  for (; total_bits > 50; total_bits -= 50) moduli.push_back(std::uint64_t{1} << 50);
  moduli.push_back(std::uint64_t{1} << total_bits);
  return moduli;
}

void expect_refused(int log_degree, const std::vector<std::uint64_t>& moduli, SecurityLevel level) {
  const base::Status status = check_security(log_degree, moduli, level);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, base::ErrorCode::kInvalidArgument);
}

TEST(MaxLogModulus, GrowsWithTheDegreeAndShrinksWithTheLevel) {
  for (int log_degree = 11; log_degree <= 17; ++log_degree) {
    for (SecurityLevel level : kLevels) {
      const int limit = max_log_modulus(log_degree, level).value();
      if (log_degree < 17) {
        // Doubling the degree a little more than doubles the modulus: a misplaced digit would not.
        const double growth = static_cast<double>(max_log_modulus(log_degree + 1, level).value()) / limit;
        EXPECT_GE(growth, 2.0) << log_degree;
        EXPECT_LE(growth, 2.08) << log_degree;
      }
    }
    const double strength_ratio = static_cast<double>(max_log_modulus(log_degree, SecurityLevel::k128).value()) /
                                  max_log_modulus(log_degree, SecurityLevel::k256).value();
    EXPECT_NEAR(strength_ratio, 1.9, 0.07) << log_degree;
  }
}

TEST(MaxLogModulus, IsTheTableOfTheGuidelines) {
  EXPECT_EQ(max_log_modulus(10, SecurityLevel::k128).value(), 26);
  EXPECT_EQ(max_log_modulus(15, SecurityLevel::k128).value(), 868);
  EXPECT_EQ(max_log_modulus(17, SecurityLevel::k128).value(), 3523);
  EXPECT_EQ(max_log_modulus(14, SecurityLevel::k192).value(), 297);
  EXPECT_EQ(max_log_modulus(16, SecurityLevel::k256).value(), 929);
}

TEST(MaxLogModulus, HasNoLimitOutsideTheTable) {
  for (SecurityLevel level : kLevels) {
    for (int log_degree : {-1, 0, 9, 18, 64, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
      const auto limit = max_log_modulus(log_degree, level);
      ASSERT_FALSE(limit.ok()) << log_degree;
      EXPECT_EQ(limit.error().code, base::ErrorCode::kInvalidArgument);
    }
  }
  EXPECT_FALSE(max_log_modulus(10, SecurityLevel::k192).ok());
  EXPECT_FALSE(max_log_modulus(10, SecurityLevel::k256).ok());
}

TEST(CheckSecurity, TheLimitItselfPassesAndTheLeastExcessIsRefused) {
  for (SecurityLevel level : kLevels) {
    for (int log_degree = 10; log_degree <= 17; ++log_degree) {
      const auto limit = max_log_modulus(log_degree, level);
      if (!limit.ok()) continue;
      std::vector<std::uint64_t> moduli = powers_of_two(limit.value());
      EXPECT_TRUE(check_security(log_degree, moduli, level).ok()) << log_degree;
      ++moduli.back();  // for the long products an excess far below a double's precision of the logarithm
      expect_refused(log_degree, moduli, level);
      --moduli.back();
      ++moduli.front();
      expect_refused(log_degree, moduli, level);
      moduli.back() -= 1;
      if (moduli.size() == 1) {
        EXPECT_TRUE(check_security(log_degree, moduli, level).ok()) << log_degree;
      }
    }
  }
}

TEST(CheckSecurity, AnExcessThatDoublesCannotSeeIsRefused) {
  // (2^49 + 1) * (2^49 - 1) * 2^8 is below 2^106, (2^49 + 1)^2 * 2^8 is above by 2^-47 bits.
  constexpr std::uint64_t kPower = std::uint64_t{1} << 49;
  EXPECT_TRUE(check_security(12, std::vector<std::uint64_t>{kPower + 1, kPower - 1, 256}, SecurityLevel::k128).ok());
  expect_refused(12, {kPower + 1, kPower + 1, 256}, SecurityLevel::k128);
  EXPECT_TRUE(check_security(12, std::vector<std::uint64_t>{kPower, kPower, 256}, SecurityLevel::k128).ok());
}

TEST(CheckSecurity, TheOrderOfTheModuliDoesNotMatter) {
  const std::vector<std::uint64_t> moduli(9, (std::uint64_t{1} << 48) - 59);
  std::vector<std::uint64_t> longest_first = moduli, longest_last = moduli;
  longest_first.insert(longest_first.begin(), std::numeric_limits<std::uint64_t>::max());
  longest_last.push_back(std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(
      check_security(14, std::vector<std::uint64_t>(moduli.begin(), moduli.end() - 1), SecurityLevel::k128).ok());
  expect_refused(14, longest_first, SecurityLevel::k128);
  expect_refused(14, longest_last, SecurityLevel::k128);
  EXPECT_TRUE(check_security(15, longest_first, SecurityLevel::k128).ok());
  EXPECT_TRUE(check_security(15, longest_last, SecurityLevel::k128).ok());
}

TEST(CheckSecurity, TheErrorSaysByHowMuchAndWhatToDo) {
  const std::vector<std::uint64_t> moduli(9, std::uint64_t{1} << 50);
  const std::string detail = check_security(14, moduli, SecurityLevel::k128).error().detail;
  EXPECT_EQ(detail,
            "the product of all moduli has 450.0 bits, 20.0 more than the 430 that degree 2^14 at 128 bits of security "
            "allows; drop moduli or take shorter ones, or take degree 2^15 (868 bits)");
  const std::string tiny =
      check_security(10, std::vector<std::uint64_t>{(1 << 26) + 1}, SecurityLevel::k128).error().detail;
  EXPECT_NE(tiny.find("0.1 more than the 26"), std::string::npos) << tiny;
}

TEST(CheckSecurity, ModuliThatAreNoneAreRefused) {
  expect_refused(14, {}, SecurityLevel::k128);
  expect_refused(14, {0}, SecurityLevel::k128);
  expect_refused(14, {1}, SecurityLevel::k128);
  expect_refused(14, std::vector<std::uint64_t>(100000, std::numeric_limits<std::uint64_t>::max()),
                 SecurityLevel::k128);
  expect_refused(18, {12289}, SecurityLevel::k128);
}

}  // namespace
}  // namespace blindproof::fhe::rlwe

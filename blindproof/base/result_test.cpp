#include "blindproof/base/result.h"

#include <gtest/gtest.h>

namespace blindproof::base {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return error(ErrorCode::kInvalidArgument, "half", "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  BLINDPROOF_ASSIGN(int once, half(value));
  BLINDPROOF_TRY(half(once));
  return half(once);
}

TEST(Result, ErrorsPassThroughTheMacros) {
  EXPECT_EQ(quarter(8).value(), 2);
  ASSERT_FALSE(quarter(6).ok());
  EXPECT_EQ(quarter(6).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(quarter(6).error().message(), "half: odd");
}

TEST(ResultDeathTest, ValueOfAFailureAborts) { EXPECT_DEATH((void)half(1).value(), "value"); }

}  // namespace
}  // namespace blindproof::base

#include "blindproof/service/http/rate_limits.h"

#include <gtest/gtest.h>

namespace blindproof::service::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimits, AllowABurstThenTheRate) {
  RateLimits limits(2, 5);
  RateLimits::Time now{};
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limits.take("a", now).has_value()) << i;
  EXPECT_EQ(limits.take("a", now), seconds(1));
  EXPECT_FALSE(limits.take("b", now).has_value()) << "another key's bucket";
  now += milliseconds(499);
  EXPECT_TRUE(limits.take("a", now).has_value());
  now += milliseconds(1);
  EXPECT_FALSE(limits.take("a", now).has_value());
  EXPECT_TRUE(limits.take("a", now).has_value());
  now += seconds(1000);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limits.take("a", now).has_value()) << "no more than the burst is saved up";
  EXPECT_TRUE(limits.take("a", now).has_value());
}

TEST(RateLimits, SayHowLongToWait) {
  RateLimits limits(0.1, 1);
  const RateLimits::Time now{};
  EXPECT_FALSE(limits.take("a", now).has_value());
  EXPECT_EQ(limits.take("a", now), seconds(10));
  EXPECT_EQ(limits.take("a", now + milliseconds(4500)), seconds(6));
}

TEST(RateLimits, OfZeroAreNone) {
  RateLimits limits(0, 1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limits.take("a", {}).has_value());
}

TEST(RateLimits, ForgetKeysThatAreSilent) {
  RateLimits limits(1, 1);
  RateLimits::Time now{};
  for (int i = 0; i < 10000; ++i, now += seconds(1)) EXPECT_FALSE(limits.take(std::to_string(i), now).has_value());
  EXPECT_LE(limits.keys(), 1024u);
}

}  // namespace
}  // namespace blindproof::service::http

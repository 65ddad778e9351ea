#include "blindproof/service/http/decimal.h"

#include <gtest/gtest.h>

namespace blindproof::service::http {
namespace {

TEST(Decimal, ReadsWhatPricesLookLike) {
  EXPECT_EQ(parse_decimal("0")->billionths, 0);
  EXPECT_EQ(parse_decimal("0.000000001")->billionths, 1);
  EXPECT_EQ(parse_decimal("12.50")->billionths, 12'500'000'000);
  EXPECT_EQ(parse_decimal("999999999.999999999")->billionths, 999'999'999'999'999'999);
  for (const char* text : {"", ".", "1.", ".5", "-1", "+1", "01", "1e3", "1,5", " 1", "0.0000000001", "1000000000", "0x1", "1.2.3"}) {
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
  }
}

TEST(Decimal, ProductsAreExactAndShort) {
  EXPECT_EQ(times(*parse_decimal("0.1"), 3), "0.3");
  EXPECT_EQ(times(*parse_decimal("0.05"), 20), "1");
  EXPECT_EQ(times(*parse_decimal("0.000000001"), 1), "0.000000001");
  EXPECT_EQ(times(*parse_decimal("7"), 0), "0");
  EXPECT_EQ(times(*parse_decimal("999999999.999999999"), 9), "8999999999.999999991");
  EXPECT_FALSE(times(*parse_decimal("999999999.999999999"), 10).has_value()) << "beyond 64 bits";
}

}  // namespace
}  // namespace blindproof::service::http

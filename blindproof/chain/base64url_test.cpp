#include "blindproof/chain/base64url.h"

#include <gtest/gtest.h>

namespace blindproof::chain {
namespace {

TEST(Base64url, AgreesWithTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(to_base64url(base::as_bytes(plain)), encoded);
    const base::Bytes decoded = from_base64url(encoded).value();
    EXPECT_EQ(std::string(decoded.begin(), decoded.end()), plain);
  }
  EXPECT_EQ(to_base64url(base::Bytes{0xfb, 0xff, 0xfe}), "-__-");
}

TEST(Base64url, EveryTextIsRefusedOrTheOnlyOneOfItsValue) {
  const std::string alphabet = "AZaz09-_+/= ";
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      for (const char c : alphabet) {
        for (const std::string& text : {std::string{a}, std::string{a, b}, std::string{a, b, c}}) {
          const auto decoded = from_base64url(text);
          if (decoded.ok()) {
            EXPECT_EQ(to_base64url(*decoded), text);
          }
        }
      }
    }
  }
  for (const std::string_view text : {"Zg==", "Zh", "Zm9=", "Zm+v", "Zm/v", "A", "AAAAA"}) EXPECT_FALSE(from_base64url(text).ok()) << text;
}

}  // namespace
}  // namespace blindproof::chain

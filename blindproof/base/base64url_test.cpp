#include "blindproof/base/base64url.h"

#include <gtest/gtest.h>

namespace blindproof::base {
namespace {

TEST(Base64Url, GivesTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64url(as_bytes(plain)), text);
    const Bytes decoded = from_base64url(text).value();
    EXPECT_EQ(std::string(decoded.begin(), decoded.end()), plain);
  }
}

TEST(Base64Url, DecodingUndoesEncodingForEveryByteAndLength) {
  Bytes bytes;
  for (unsigned i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64url(to_base64url(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
  }
}

TEST(Base64Url, EachValueHasOneEncoding) {
  EXPECT_FALSE(from_base64url("Zh").ok());    // stray bits
  EXPECT_FALSE(from_base64url("Zg==").ok());  // padding
  EXPECT_FALSE(from_base64url("Z").ok());
  EXPECT_FALSE(from_base64url("Zm 9v").ok());
  EXPECT_FALSE(from_base64url("Zm9+").ok());
  std::size_t accepted = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      const auto decoded = from_base64url(text);
      if (!decoded.ok()) continue;
      ++accepted;
      EXPECT_EQ(to_base64url(*decoded), text);
    }
  }
  EXPECT_EQ(accepted, 256u);
}

}  // namespace
}  // namespace blindproof::base

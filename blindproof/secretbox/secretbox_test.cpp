#include "blindproof/secretbox/secretbox.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace blindproof::secretbox {
namespace {

constexpr Cost kCheap{1, 8};

crypto::SecretBytes secret(std::string_view text) { return crypto::SecretBytes::copy_of(base::as_bytes(text)); }

TEST(Secretbox, OpensWhatItSealed) {
  for (const std::string_view text : {"", "a", "the quick brown fox"}) {
    const base::Bytes sealed = seal(secret("pass"), base::as_bytes(text), base::as_bytes("file"), kCheap).value();
    const auto opened = open(secret("pass"), sealed, base::as_bytes("file"));
    ASSERT_TRUE(opened.ok());
    EXPECT_TRUE(std::ranges::equal(opened->expose(), base::as_bytes(text)));
  }
}

TEST(Secretbox, RefusesAnotherPassphraseAnyAlteredByteAndAnotherContext) {
  const base::Bytes sealed = seal(secret("pass"), base::as_bytes("content"), base::as_bytes("file"), kCheap).value();
  EXPECT_EQ(open(secret("Pass"), sealed, base::as_bytes("file")).error().code, base::ErrorCode::kMismatch);
  EXPECT_EQ(open(secret("pass"), sealed, base::as_bytes("fild")).error().code, base::ErrorCode::kMismatch);
  for (std::size_t i = 8; i < sealed.size(); ++i) {
    base::Bytes altered = sealed;
    altered[i] ^= 1;
    EXPECT_FALSE(open(secret("pass"), altered, base::as_bytes("file")).ok()) << i;
    altered.resize(i);
    EXPECT_FALSE(open(secret("pass"), altered, base::as_bytes("file")).ok()) << i;
  }
}

TEST(Secretbox, SealsDifferentlyEachTimeAndHidesTheContent) {
  const base::Bytes content(64, 'x');
  const base::Bytes a = seal(secret("pass"), content, {}, kCheap).value(), b = seal(secret("pass"), content, {}, kCheap).value();
  EXPECT_NE(a, b);
  EXPECT_EQ(std::search(a.begin(), a.end(), content.begin(), content.begin() + 8), a.end());
}

TEST(Secretbox, BoundsTheCostThatAFileMayAskFor) {
  base::Bytes sealed = seal(secret("pass"), {}, {}, kCheap).value();
  sealed[3] = 1;  // 2^24 passes
  EXPECT_EQ(open(secret("pass"), sealed, {}).error().code, base::ErrorCode::kLimit);
  sealed[3] = 0;
  sealed[7] = 1;  // 16 GiB
  EXPECT_EQ(open(secret("pass"), sealed, {}).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(seal(secret(""), {}, {}, kCheap).error().code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::secretbox

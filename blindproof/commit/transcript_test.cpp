#include "blindproof/commit/transcript.h"

#include <gtest/gtest.h>

namespace blindproof::commit {
namespace {

TEST(Transcript, EveryDetailChangesTheChallenge) {
  const base::Bytes data = {1, 2, 3};
  auto challenge = [&](std::string_view protocol, std::string_view label, const base::Bytes& message, std::string_view ask) {
    Transcript transcript(protocol);
    transcript.absorb(label, message);
    return transcript.challenge(ask);
  };
  const Fr reference = challenge("p", "l", data, "c");
  EXPECT_EQ(reference, challenge("p", "l", data, "c"));
  EXPECT_FALSE(reference == challenge("q", "l", data, "c"));
  EXPECT_FALSE(reference == challenge("p", "m", data, "c"));
  EXPECT_FALSE(reference == challenge("p", "l", {1, 2, 4}, "c"));
  EXPECT_FALSE(reference == challenge("p", "l", {1, 2}, "c"));
  EXPECT_FALSE(reference == challenge("p", "l", data, "d"));
}

TEST(Transcript, BoundariesBetweenMessagesCount) {
  Transcript a("p"), b("p");
  a.absorb("x", base::Bytes{1, 2});
  a.absorb("x", base::Bytes{3});
  b.absorb("x", base::Bytes{1});
  b.absorb("x", base::Bytes{2, 3});
  EXPECT_FALSE(a.challenge("c") == b.challenge("c"));
}

TEST(Transcript, ChallengesChain) {
  Transcript a("p"), b("p");
  const Fr first = a.challenge("c");
  EXPECT_FALSE(first == a.challenge("c"));
  b.absorb("c", base::ByteSpan());
  EXPECT_FALSE(first == b.challenge("c"));
}

}  // namespace
}  // namespace blindproof::commit

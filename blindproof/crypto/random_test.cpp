#include "blindproof/crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "blindproof/crypto/chacha20.h"
#include "blindproof/crypto/hash_test_vectors.h"

namespace blindproof::crypto {
namespace {

using Seed = std::array<std::uint8_t, 32>;

base::Bytes draw(Csprng random, std::size_t size) {
  base::Bytes out(size);
  random.fill(out);
  return out;
}

TEST(ChaCha20, MatchesTheBlockFunctionOfTheRfc) {
  const auto vectors = read_hash_vectors("chacha20");
  ASSERT_EQ(vectors.size(), 2u);
  for (const auto& [key_hex, expected] : vectors) {
    const base::Bytes key = base::from_hex(key_hex).value();
    std::array<std::uint8_t, 512> blocks;
    chacha20_eight_blocks(std::span<const std::uint8_t, 32>(key), blocks);
    EXPECT_EQ(base::to_hex(blocks), base::to_hex(expected));
  }
}

TEST(Csprng, IsTheKeyErasingStreamOfItsSeed) {
  Seed key{1, 2, 3};
  Csprng random(key);
  for (int i = 0; i < 4; ++i) {
    std::array<std::uint8_t, 512> blocks;
    chacha20_eight_blocks(key, blocks);
    std::copy_n(blocks.begin(), 32, key.begin());
    std::array<std::uint8_t, 480> drawn;
    random.fill(drawn);
    EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), blocks.begin() + 32)) << i;
  }
}

TEST(Csprng, TheStreamDoesNotDependOnHowItIsCut) {
  const base::Bytes expected = draw(Csprng(Seed{5}), 2000);
  for (std::size_t piece : {1u, 31u, 32u, 479u, 480u, 481u, 1999u}) {
    Csprng random(Seed{5});
    base::Bytes out(2000);
    for (std::size_t at = 0; at < out.size(); at += piece) {
      random.fill(std::span(out).subspan(at, std::min(piece, out.size() - at)));
    }
    EXPECT_EQ(out, expected) << piece;
  }
}

TEST(Csprng, DifferentSeedsGiveDifferentStreams) {
  std::set<std::string> streams;
  for (std::uint8_t i = 0; i < 100; ++i) streams.insert(base::to_hex(draw(Csprng(Seed{i}), 32)));
  EXPECT_EQ(streams.size(), 100u);
  EXPECT_NE(draw(Csprng(), 32), draw(Csprng(), 32));
}

TEST(Csprng, AMoveContinuesTheStream) {
  const base::Bytes expected = draw(Csprng(Seed{8}), 100);
  Csprng from(Seed{8});
  base::Bytes out(100);
  from.fill(std::span(out).first(60));
  Csprng to(std::move(from));
  to.fill(std::span(out).subspan(60));
  EXPECT_EQ(out, expected);
}

TEST(CsprngDeathTest, DrawingFromAMovedFromGeneratorAborts) {
  Csprng from(Seed{8});
  Csprng to(std::move(from));
  EXPECT_DEATH((void)from.next_u64(), "moved away");  // NOLINT(bugprone-use-after-move): that is the claim
}

TEST(Csprng, BelowStaysBelowAndReachesEverything) {
  Csprng random(Seed{9});
  for (std::uint64_t bound : {1u, 2u, 3u, 10u}) {
    std::vector<int> hits(bound);
    for (int i = 0; i < 1000; ++i) ++hits[random.below(bound)];
    for (int hit : hits) EXPECT_GT(hit, 1000 / static_cast<int>(2 * bound));
  }
  const std::uint64_t huge = (std::uint64_t{1} << 63) + 1;
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.below(huge), huge);
}

TEST(RandomBytes, FillsEverySizeAndNeverRepeats) {
  random_bytes({});
  std::set<std::string> tails = {std::string(32, '0')};
  for (std::size_t size : {16u, 255u, 256u, 257u, 5000u}) {
    base::Bytes bytes(size);
    random_bytes(bytes);
    EXPECT_TRUE(tails.insert(base::to_hex(ByteSpan(bytes).last(16))).second) << size;
  }
}

}  // namespace
}  // namespace blindproof::crypto

// The samplers' timing, and that the method notices what it is to notice.
#include <algorithm>
#include <vector>

#include "blindproof/fhe/rlwe/sampling.h"
#include "blindproof/fhe/rlwe/timing_test_support.h"

#if defined(BLINDPROOF_MEMCHECK)
namespace blindproof::fhe::rlwe {
namespace {

using SamplingTiming = TimingTest;

TEST_F(SamplingTiming, ErrorsHaveNoBranchOrAddressThatDependsOnTheSeed) {
  std::array<std::uint8_t, 32> seed{1};
  std::vector<std::int8_t> out(1000);
  mark_secret(std::as_bytes(std::span(seed)));
  {
    crypto::Csprng random{std::span<const std::uint8_t, 32>(seed)};
    sample_error(random, out);
  }
  EXPECT_EQ(leaks(), 0u);
  publish(std::as_bytes(std::span(out)));
  EXPECT_LE(*std::ranges::max_element(out), kErrorBound);
}

TEST_F(SamplingTiming, DrawsRevealNoMoreThanWhichBytesWereThrownAway) {
  std::vector<std::int8_t> trits(3000);
  std::vector<std::uint64_t> residues(3000);
  {
    crypto::Csprng random = secret_random(2);
    sample_ternary(random, trits);
    sample_uniform(random, (std::uint64_t{1} << 49) + 1, residues);
  }
  EXPECT_EQ(leaks(), 0u);
  publish(std::as_bytes(std::span(trits)));
  publish(std::as_bytes(std::span(residues)));
  EXPECT_EQ(*std::ranges::max_element(trits), 1);
  EXPECT_LE(*std::ranges::max_element(residues), std::uint64_t{1} << 49);
}

TEST_F(SamplingTiming, TritsHaveNoBranchOrAddressThatDependsOnTheBytes) {
  std::vector<std::uint8_t> bytes(243);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::vector<std::int8_t> out(5 * 243 - 2);
  mark_secret(std::as_bytes(std::span(bytes)));
  split_trits(bytes, out);
  EXPECT_EQ(leaks(), 0u);
  publish(std::as_bytes(std::span(out)));
  EXPECT_EQ(out.front(), -1);
}

TEST_F(SamplingTiming, ABranchOnASecretWouldBeSeen) {
  std::array<std::uint8_t, 1> secret{7};
  mark_secret(std::as_bytes(std::span(secret)));
  if (secret[0] > 5) __asm__ __volatile__("nop");
  EXPECT_GT(leaks(), 0u);
  publish(std::as_bytes(std::span(secret)));
}

}  // namespace
}  // namespace blindproof::fhe::rlwe
#endif

// Under valgrind, with every secret marked as undefined memory: Memcheck then reports each branch and each address that
// depends on one. Skipped otherwise. CTest runs it so with -DBLINDPROOF_VALGRIND_TESTS=ON.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/fhe/rlwe/sampling.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

namespace blindproof::fhe::rlwe {
namespace {

void mark_secret(std::span<const std::byte> bytes) { (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void publish(std::span<const std::byte> bytes) { (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

class SamplingTiming : public testing::Test {
 protected:
  void SetUp() override {
    if (RUNNING_ON_VALGRIND == 0) GTEST_SKIP() << "needs valgrind";
    errors_before_ = VALGRIND_COUNT_ERRORS;
  }
  /// Branches and addresses that depended on secrets since the test began.
  auto leaks() const { return VALGRIND_COUNT_ERRORS - errors_before_; }

 private:
  unsigned errors_before_ = 0;
};

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

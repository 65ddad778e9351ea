// Under valgrind, with every secret marked as undefined memory: Memcheck then reports each branch and each address that
// depends on one. Skipped otherwise. CTest runs it so with -DBLINDPROOF_VALGRIND_TESTS=ON.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>

#include "blindproof/crypto/random.h"

#if defined(BLINDPROOF_MEMCHECK)
#include <valgrind/memcheck.h>

namespace blindproof::fhe::rlwe {

inline void mark_secret(std::span<const std::byte> bytes) { (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
inline void publish(std::span<const std::byte> bytes) { (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

/// A generator whose seed, and all it gives, is secret.
inline crypto::Csprng secret_random(std::uint8_t label) {
  std::array<std::uint8_t, 32> seed{label};
  mark_secret(std::as_bytes(std::span(seed)));
  return crypto::Csprng{std::span<const std::uint8_t, 32>(seed)};
}

class TimingTest : public ::testing::Test {
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

}  // namespace blindproof::fhe::rlwe
#endif

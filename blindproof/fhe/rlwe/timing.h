// What may be seen of secrets by how long things take.
#pragma once

#if defined(BLINDPROOF_MEMCHECK)
#include <valgrind/memcheck.h>
#endif

namespace blindproof::fhe::rlwe {

/// Marks a value that is computed from secrets but may steer branches. Builds for the tests of constant time
/// (-DBLINDPROOF_VALGRIND_TESTS=ON) tell Memcheck so; all others do nothing.
template <class T>
void reveal([[maybe_unused]] T& value) noexcept {
#if defined(BLINDPROOF_MEMCHECK)
  (void)VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
#endif
}

}  // namespace blindproof::fhe::rlwe

// The pool where there are no threads: everything runs in the caller's.
#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"

namespace blindproof::base {

std::size_t thread_count() noexcept { return 1; }

void set_thread_count(std::size_t count) { BLINDPROOF_CHECK(count == 1, "there are no threads here"); }

void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) body(i);
}

void parallel_ranges(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  const std::size_t pieces = std::clamp<std::size_t>(count / std::max<std::size_t>(1, grain), std::min<std::size_t>(1, count), 4);
  for (std::size_t i = 0; i < pieces; ++i) body(count * i / pieces, count * (i + 1) / pieces);
}

}  // namespace blindproof::base

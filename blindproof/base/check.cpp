#include "blindproof/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace blindproof::base {

void check_failed(const char* file, int line, const char* condition, const char* message) noexcept {
  std::fprintf(stderr, "%s:%d: internal check failed: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace blindproof::base

#include "blindproof/base/progress.h"

namespace blindproof::base {

void Progress::report(std::string_view phase, std::uint64_t done, std::uint64_t total) const {
  if (function_) function_(phase, done, total);
}

}  // namespace blindproof::base

#include "blindproof/field/kernel_set.h"

#include "blindproof/base/check.h"

namespace blindproof::field {
namespace {

base::Simd& current() noexcept {
  static base::Simd level = base::simd_level();
  return level;
}

}  // namespace

base::Simd kernel_set() noexcept { return current(); }

ScopedKernelSet::ScopedKernelSet(base::Simd level) : previous_(current()) {
  BLINDPROOF_CHECK(base::simd_available(level), "this CPU lacks the kernel set");
  current() = level;
}

ScopedKernelSet::~ScopedKernelSet() { current() = previous_; }

std::vector<base::Simd> available_kernel_sets() {
  std::vector<base::Simd> sets;
  for (base::Simd level : {base::Simd::kPortable, base::Simd::kAvx2, base::Simd::kIfma}) {
    if (base::simd_available(level)) sets.push_back(level);
  }
  return sets;
}

}  // namespace blindproof::field

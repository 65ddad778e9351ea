// Which kernels run: one for the whole process, so that a pack has one layout.
#pragma once

#include <vector>

#include "blindproof/base/cpu.h"

namespace blindproof::field {

/// base::simd_level(), unless a ScopedKernelSet is alive.
base::Simd kernel_set() noexcept;

/// For tests: runs everything on another kernel set. Vectors made under one set must not be read under another.
/// Requires: base::simd_available(level); no kernel running on another thread.
class ScopedKernelSet {
 public:
  explicit ScopedKernelSet(base::Simd level);
  ~ScopedKernelSet();
  ScopedKernelSet(const ScopedKernelSet&) = delete;
  ScopedKernelSet& operator=(const ScopedKernelSet&) = delete;

 private:
  base::Simd previous_;
};

/// Those that this CPU can run, the portable one first.
std::vector<base::Simd> available_kernel_sets();

}  // namespace blindproof::field

#include "blindproof/poly/kernels.h"

#include "blindproof/field/kernel_set.h"

namespace blindproof::poly {

const PolyKernels& poly_kernels() noexcept {
  switch (field::kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma: return kPolyKernelsIfma;
    case base::Simd::kAvx2: return kPolyKernelsAdx;
#endif
    default: return kPolyKernelsPortable;
  }
}

}  // namespace blindproof::poly

#include "blindproof/fhe/frbgv/kernels.h"

#include "blindproof/field/kernel_set.h"

namespace blindproof::fhe::frbgv {

const FrBgvKernels& kernels() noexcept {
  switch (field::kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma: return kFrBgvKernelsIfma;
    case base::Simd::kAvx2: return kFrBgvKernelsAdx;
#endif
    default: return kFrBgvKernelsPortable;
  }
}

}  // namespace blindproof::fhe::frbgv

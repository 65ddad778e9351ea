#if defined(__AVX2__)

#include "blindproof/poly/ntt_kernels_impl.h"
#include "blindproof/poly/ntt_lanes_avx2.h"

namespace blindproof::poly {
namespace {

struct Avx2 {};

}  // namespace

constinit const NttKernels kNttKernelsAvx2 = NttKernelTemplates<Avx2NttLanes<Avx2>>::table();

}  // namespace blindproof::poly

#endif

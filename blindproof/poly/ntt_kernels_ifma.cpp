#if defined(__AVX512IFMA__)

#include "blindproof/poly/ntt_kernels_impl.h"
#include "blindproof/poly/ntt_lanes_ifma.h"

namespace blindproof::poly {
namespace {

struct Ifma {};

}  // namespace

constinit const NttKernels kNttKernelsIfma = NttKernelTemplates<IfmaNttLanes<Ifma>>::table();

}  // namespace blindproof::poly

#endif

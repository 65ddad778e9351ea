#include "blindproof/poly/ntt_kernels_impl.h"
#include "blindproof/poly/ntt_lanes_portable.h"

namespace blindproof::poly {
namespace {

struct Portable {};

}  // namespace

constinit const NttKernels kNttKernelsPortable = NttKernelTemplates<PortableNttLanes<Portable>>::table();

}  // namespace blindproof::poly

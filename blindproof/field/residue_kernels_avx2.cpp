#if defined(__AVX2__)

#include "blindproof/field/residue_kernels_impl.h"
#include "blindproof/field/residue_lanes_avx2.h"

namespace blindproof::field {
namespace {

struct Avx2 {};

}  // namespace

constinit const ResidueKernels kResidueKernelsAvx2 = ResidueKernelTemplates<Avx2ResidueLanes<Avx2>>::table();

}  // namespace blindproof::field

#endif

#if defined(__AVX512IFMA__)

#include "blindproof/field/residue_kernels_impl.h"
#include "blindproof/field/residue_lanes_ifma.h"

namespace blindproof::field {
namespace {

struct Ifma {};

}  // namespace

constinit const ResidueKernels kResidueKernelsIfma = ResidueKernelTemplates<IfmaResidueLanes<Ifma>>::table();

}  // namespace blindproof::field

#endif

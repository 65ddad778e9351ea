#include "blindproof/field/residue_kernels_impl.h"
#include "blindproof/field/residue_lanes_portable.h"

namespace blindproof::field {
namespace {

struct Portable {};

}  // namespace

constinit const ResidueKernels kResidueKernelsPortable =
    ResidueKernelTemplates<PortableResidueLanes<Portable>>::table();

}  // namespace blindproof::field

#include "blindproof/field/lanes_portable.h"
#include "blindproof/poly/kernels_impl.h"

namespace blindproof::poly {
namespace {

struct Portable {};

}  // namespace

constinit const PolyKernels kPolyKernelsPortable = PolyKernelTemplates<field::PortableLanes<Fr, Portable>>::table();

}  // namespace blindproof::poly

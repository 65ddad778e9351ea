#include "blindproof/field/lanes_portable.h"
#include "blindproof/poly/kernels_impl.h"

namespace blindproof::poly {
namespace {

struct Adx {};

}  // namespace

constinit const PolyKernels kPolyKernelsAdx = PolyKernelTemplates<field::PortableLanes<Fr, Adx>>::table();

}  // namespace blindproof::poly

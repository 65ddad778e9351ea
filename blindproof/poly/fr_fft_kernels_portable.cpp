#include "blindproof/field/lanes_portable.h"
#include "blindproof/poly/fr_fft_kernels_impl.h"

namespace blindproof::poly {
namespace {

struct Portable {};

}  // namespace

constinit const FrFftKernels kFrFftKernelsPortable = FrFftKernelTemplates<field::PortableLanes<Fr, Portable>>::table();

}  // namespace blindproof::poly

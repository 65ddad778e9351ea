#if defined(__AVX512IFMA__)

#include "blindproof/field/lanes_ifma.h"
#include "blindproof/poly/fr_fft_kernels_impl.h"

namespace blindproof::poly {
namespace {

struct Ifma {};

}  // namespace

constinit const FrFftKernels kFrFftKernelsIfma = FrFftKernelTemplates<field::IfmaLanes<Fr, Ifma>>::table();

}  // namespace blindproof::poly

#endif

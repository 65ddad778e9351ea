#include "blindproof/field/lanes_portable.h"
#include "blindproof/poly/fr_fft_kernels_impl.h"

namespace blindproof::poly {
namespace {

struct Adx {};

}  // namespace

constinit const FrFftKernels kFrFftKernelsAdx = FrFftKernelTemplates<field::PortableLanes<Fr, Adx>>::table();

}  // namespace blindproof::poly

#if defined(__AVX512IFMA__)

#include "blindproof/field/fr_kernels_impl.h"
#include "blindproof/field/integers_ifma.h"

namespace blindproof::field {
namespace {

struct Ifma {};
template <class Int>
using Integers = IfmaIntegers<Int, Ifma>;

}  // namespace

constinit const FrKernels kFrKernelsIfma = make_fr_kernels<IfmaLanes<Fr, Ifma>, Integers>();

}  // namespace blindproof::field

#endif

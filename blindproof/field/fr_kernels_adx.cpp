#include "blindproof/field/fr_kernels_impl.h"
#include "blindproof/field/integers_portable.h"

namespace blindproof::field {
namespace {

struct Adx {};
template <class Int>
using Integers = PortableIntegers<Int, Adx>;

}  // namespace

constinit const FrKernels kFrKernelsAdx = make_fr_kernels<PortableLanes<Fr, Adx>, Integers>();

}  // namespace blindproof::field

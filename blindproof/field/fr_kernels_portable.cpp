#include "blindproof/field/fr_kernels_impl.h"
#include "blindproof/field/integers_portable.h"

namespace blindproof::field {
namespace {

struct Portable {};
template <class Int>
using Integers = PortableIntegers<Int, Portable>;

}  // namespace

constinit const FrKernels kFrKernelsPortable = make_fr_kernels<PortableLanes<Fr, Portable>, Integers>();

}  // namespace blindproof::field

#include "blindproof/fhe/frbgv/kernels_portable_impl.h"

namespace blindproof::fhe::frbgv {
namespace {

struct Portable {};
using Engine = field::PortableLanes<Fr, Portable>;

}  // namespace

constinit const FrBgvKernels kFrBgvKernelsPortable = KernelTemplates<Engine, PortableAccess<Engine>>::table();

}  // namespace blindproof::fhe::frbgv

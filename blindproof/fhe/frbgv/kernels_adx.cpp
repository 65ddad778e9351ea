#include "blindproof/fhe/frbgv/kernels_portable_impl.h"

namespace blindproof::fhe::frbgv {
namespace {

struct Adx {};
using Engine = field::PortableLanes<Fr, Adx>;

}  // namespace

constinit const FrBgvKernels kFrBgvKernelsAdx = KernelTemplates<Engine, PortableAccess<Engine>>::table();

}  // namespace blindproof::fhe::frbgv

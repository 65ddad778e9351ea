#include "blindproof/field/residue_gemm_kernels_impl.h"
#include "blindproof/field/residue_lanes_portable.h"

namespace blindproof::field {
namespace {

struct PortableTile {
  using Engine = PortableResidueLanes<PortableTile>;
  static constexpr std::size_t kRows = 2, kPacks = 4;

  // Sums of kMaxColumns products are below 2^110, of which the upper half has less than 52 bits.
  static std::size_t terms_between_folds(const Modulus&) { return ResidueGemm::kMaxColumns; }
  static std::uint64_t pack(std::uint64_t a) { return a; }
  static std::uint64_t load(const std::uint64_t* p) { return *p; }
  static void store(std::uint64_t* p, std::uint64_t a) { *p = a; }
  static std::uint64_t broadcast(const std::uint64_t* p) { return *p; }
};

}  // namespace

constinit const ResidueGemmKernels kResidueGemmPortable = ResidueGemmTemplates<PortableTile>::table();

}  // namespace blindproof::field
